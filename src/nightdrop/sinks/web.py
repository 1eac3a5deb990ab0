"""An address over HTTP as a sink: each result is a POST, signed as webhooks are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx2

from nightdrop import clock
from nightdrop.errors import UsageError
from nightdrop.outbound import AllowedHosts, request
from nightdrop.outbound.answer import first_words, retry_after
from nightdrop.outbound.sign import signed_headers
from nightdrop.servers.credentials import options_for
from nightdrop.settings import load_settings
from nightdrop.sinks.blame import Down, Refused, Unclear

TIMEOUT_SECONDS = 10.0  # for the connection, for sending, for the answer
_DOWN = (401, 403, 404, 408, 410, 425, 429, 502, 503, 504, 507)  # no word about the result itself; and 3xx


def put_over_http(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """POST each row. Raises Refused, Down, Unclear, UrlRefused, httpx2.HTTPError, UsageError without a secret."""
    signing = _signing(url)
    allowed = AllowedHosts.parse(load_settings().allow_hosts)
    for row in rows:
        key = f"{row['document']}.{row['run_id']}.{row['run_version']}"
        body = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "nightdrop", "Idempotency-Key": key}
        if "token" in signing:
            headers["Authorization"] = f"Bearer {signing['token']}"
        if "secret" in signing:
            headers |= signed_headers(key, body, signing["secret"], clock.now_ms() // 1000)
        options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "redirects": 0}
        with request("POST", url, allowed, content=body, headers=headers, **options) as response:
            _require_taken(response)


def _signing(url: str) -> dict[str, str]:
    options = options_for(url)
    if not {"secret", "token"} & options.keys():
        shown = "/".join(url.split("/", 3)[:3])
        raise UsageError(
            f'{shown}: write a secret, a token or both into {load_settings().sources}, such as ["{shown}"]'
            ' and secret = "env:HOOK_SECRET" (docs/how-to/sinks.md)'
        )
    return {name: str(value) for name, value in options.items()}


def _require_taken(response: httpx2.Response) -> None:
    code = response.status_code
    if 200 <= code < 300:
        return
    words = f"it answered {code}{first_words(response)}"
    if code < 400 or code in _DOWN:
        raise Down(words, retry_after=retry_after(response) or 0.0)
    raise Refused(words) if code < 500 else Unclear(words)
