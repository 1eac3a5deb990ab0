"""One attempt of a delivery: the request, and what follows from its answer."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2

from nightdrop import clock
from nightdrop.errors import NightdropError
from nightdrop.outbound import AllowedHosts, request
from nightdrop.outbound.answer import first_words, retry_after
from nightdrop.outbound.sign import signed_headers
from nightdrop.records.webhook import Delivery, DeliveryState, Webhook
from nightdrop.settings import load_settings
from nightdrop.store.deliveries import MOST_ATTEMPTS, WAITS_SECONDS
from nightdrop.store.webhooks import secret_of

TIMEOUT_SECONDS = 10.0  # for the connection, for sending, for the answer
_LONGEST_ASKED_SECONDS = 6 * 3600.0
_PATIENCE = timedelta(days=3)  # for a receiver that answers 429 only
_AGAIN = (408, 409, 425, 429)  # and 5xx


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How an attempt went. again: the same request may be answered another time. spends: it counts as an attempt.

    retry_after: seconds that the receiver asked to be left alone, None when it did not.
    """

    status_code: int | None = None
    error: str | None = None
    again: bool = False
    spends: bool = True
    retry_after: float | None = None


def body_of(delivery: Delivery) -> bytes:
    """What is sent: the same bytes at every attempt."""
    told = {"type": delivery.event, "timestamp": clock.iso(delivery.created_at), "data": delivery.data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def send(webhook: Webhook, delivery: Delivery, now_ms: int) -> Attempt:
    """Send a delivery once. Never raises: what went wrong is in the Attempt. Blocks: call it on a thread."""
    body = body_of(delivery)
    try:
        signed = signed_headers(delivery.id, body, secret_of(webhook), now_ms // 1000)
        headers = {"Content-Type": "application/json", "User-Agent": "nightdrop", **signed}
        allowed = AllowedHosts.parse(load_settings().allow_hosts)
        options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "redirects": 0}
        with request("POST", webhook.url, allowed, content=body, headers=headers, **options) as response:
            return _answered(response)
    except httpx2.HTTPError as error:
        return Attempt(error=f"{type(error).__name__}: {error}", again=True)
    except NightdropError as error:  # the address is refused, or the secret is not here
        return Attempt(error=str(error))


def outcome(delivery: Delivery, attempt: Attempt, now_ms: int) -> dict[str, Any]:
    """What the row says after an attempt: delivered, due again, or dead."""
    values: dict[str, Any] = {"status_code": attempt.status_code, "error": attempt.error}
    if attempt.error is None:
        return {**values, "state": DeliveryState.DELIVERED.value, "completed_at": now_ms}
    number = delivery.attempts if attempt.spends else delivery.attempts - 1
    old = now_ms - clock.to_ms(delivery.created_at) > _PATIENCE / timedelta(milliseconds=1)
    if not attempt.again or number >= MOST_ATTEMPTS or (old and not attempt.spends):
        return {**values, "state": DeliveryState.DEAD.value, "completed_at": now_ms}
    wait = WAITS_SECONDS[min(max(number, 1), len(WAITS_SECONDS)) - 1] * (0.8 + 0.4 * random.random())
    asked = min(attempt.retry_after or 0.0, _LONGEST_ASKED_SECONDS)
    return {**values, "attempts": number, "not_before": now_ms + int(max(wait, asked) * 1000)}


def _answered(response: httpx2.Response) -> Attempt:
    code = response.status_code
    if 200 <= code < 300:
        return Attempt(status_code=code)
    return Attempt(
        status_code=code,
        error=f"it answered {code}{first_words(response)}",
        again=code in _AGAIN or code >= 500,
        spends=code != 429,
        retry_after=retry_after(response),
    )
