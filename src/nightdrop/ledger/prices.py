"""The price of a call: the user's own price list, else the provider's word, else the bundled list, else unknown.

`prices.toml` (NIGHTDROP_PRICES, or ./prices.toml) overrides the bundled list:

    ["openai:gpt-5.5"]
    input = "2.50"          # USD per million tokens
    cached_input = "0.25"
    output = "15.00"
    request = "0.001"       # USD per call, for models billed by page or call
"""

from __future__ import annotations

import functools
import tomllib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.records.model_call import PICO, Price, Usage

UNKNOWN = Price(cost_pico=None, source="unknown")
"""A call whose price nobody knows."""
FREE = Price(cost_pico=0, source="prices")
"""A call that the provider refused before doing anything."""


def price_of(provider: str, model: str, usage: Usage, *, said: Decimal | None, at_ms: int, prices_file: str) -> Price:
    """What a call cost. said: US dollars that the provider itself named with the answer, None mostly."""
    own = _override(provider, model, prices_file)
    if own is not None:
        return Price(cost_pico=_sum(own, usage), source="override", version=own["version"])
    if said is not None:
        return Price(cost_pico=int(said * PICO), source="provider")
    return _listed(provider, model, usage, at_ms)


def check_prices(prices_file: str) -> None:
    """Read the user's price list before anything is paid. Raises UsageError for one that cannot be understood."""
    _read(prices_file, _stamp(prices_file))


def _listed(provider: str, model: str, usage: Usage, at_ms: int) -> Price:
    from genai_prices import Usage as ListUsage
    from genai_prices import calc_price

    try:
        found = calc_price(
            ListUsage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens or None,
                cache_write_tokens=usage.cache_write_tokens or None,
            ),
            model_ref=model,
            provider_id=list_provider(provider),
            genai_request_timestamp=datetime.fromtimestamp(at_ms / 1000, tz=UTC),
        )
    except LookupError:
        return UNKNOWN
    if found.total_price == 0 and (usage.input_tokens or usage.output_tokens):
        return UNKNOWN  # models billed by page stand in the list with no price per token
    return Price(cost_pico=int(found.total_price * PICO), source="prices", version=_list_version())


_PROVIDER_IDS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "google-gla": "google",
    "google-vertex": "google",
}


def list_provider(provider: str) -> str:
    """The bundled list's own name of a provider."""
    return _PROVIDER_IDS.get(provider, provider)


@functools.cache
def _list_version() -> str:
    return f"genai-prices {version('genai-prices')}"


def _override(provider: str, model: str, prices_file: str) -> dict[str, Any] | None:
    table = _read(prices_file, _stamp(prices_file))
    return table.get(f"{provider}:{model}") or table.get(model)


def _stamp(prices_file: str) -> int:
    try:
        return Path(prices_file).stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=4)
def _read(prices_file: str, stamp: int) -> dict[str, dict[str, Any]]:
    """The override table, read again when the file changes. Raises UsageError for a file that is not one."""
    if stamp == 0:
        return {}
    try:
        data = tomllib.loads(Path(prices_file).read_text(encoding="utf-8"))
        return {
            name: {
                **{k: Decimal(str(entry.get(k, default))) for k, default in _defaults(entry).items()},
                "version": f"{Path(prices_file).name} {stamp // 1_000_000_000}",
            }
            for name, entry in data.items()
        }
    except (tomllib.TOMLDecodeError, InvalidOperation, AttributeError, UnicodeDecodeError) as error:
        raise UsageError(f"the price list {prices_file} cannot be read: {error}") from error


def _defaults(entry: dict[str, Any]) -> dict[str, Any]:
    return {"input": "0", "output": "0", "cached_input": entry.get("input", "0"), "request": "0"}


def _sum(own: dict[str, Any], usage: Usage) -> int:
    per_token = PICO / 1_000_000
    fresh = usage.input_tokens - usage.cache_read_tokens
    return int(
        fresh * own["input"] * per_token
        + usage.cache_read_tokens * own["cached_input"] * per_token
        + usage.output_tokens * own["output"] * per_token
        + own["request"] * PICO
    )
