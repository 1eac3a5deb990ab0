"""The price of a call: the user's own price list, else the provider's word, else the bundled list, else unknown.

`prices.toml` (NIGHTDROP_PRICES, or ./prices.toml) overrides the bundled list:

    ["openai:gpt-5.5"]
    input = "2.50"          # USD per million tokens
    cached_input = "0.25"   # tokens read from the prompt cache; default: input
    cache_write = "2.50"    # tokens written to the prompt cache; default: input
    output = "15.00"
    request = "0.001"       # USD per call, for models billed by page or call

    ["openai:gpt-5.5@flex"] # for answers in another service tier
    input = "1.25"
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nightdrop import clock
from nightdrop.errors import PriceUnknown, UsageError
from nightdrop.records.model_call import PICO, Price, Usage, dollars

UNKNOWN = Price(cost_pico=None, source="unknown")
"""A call whose price nobody knows."""
FREE = Price(cost_pico=0, source="prices")
"""A call that the provider refused before doing anything."""


def price_of(
    provider: str,
    model: str,
    usage: Usage,
    *,
    said: Decimal | None,
    at_ms: int,
    prices_file: str,
    tier: str | None = None,
) -> Price:
    """What a call cost. said: US dollars that the provider itself named with the answer, None mostly. tier: the service
    tier (flex, priority) that it was answered in, None: the usual one."""
    own = _override(provider, model, tier, prices_file)
    if own is not None:
        cost = _sum(own, usage)
        return Price(
            cost_pico=cost, source="override", version=own["version"], saved_pico=_sum(own, _uncached(usage)) - cost
        )
    if said is not None:
        return Price(cost_pico=int(said * PICO), source="provider")
    return _listed(provider, model, usage, at_ms, tier)


def check_prices(prices_file: str) -> None:
    """Read the user's price list before anything is paid. Raises UsageError for one that cannot be understood."""
    _read(prices_file, _stamp(prices_file))


def check_priced(provider: str, model: str, prices_file: str, now_ms: int) -> None:
    """Refuse a model whose calls a budget could not count. Raises PriceUnknown."""
    usage = Usage(input_tokens=1000, output_tokens=1000)
    if price_of(provider, model, usage, said=None, at_ms=now_ms, prices_file=prices_file).cost_pico is None:
        raise PriceUnknown(unpriced(provider, model))


@dataclass(frozen=True, slots=True, kw_only=True)
class PerMillion:
    """US dollars for a million tokens that go in, and that come out, of usual calls. version: of which list."""

    input: Decimal
    output: Decimal
    version: str


def per_million(provider: str, model: str, prices_file: str) -> PerMillion | None:
    """What a model costs now, None when nobody knows. Raises UsageError for a price list that cannot be read."""

    def cost(usage: Usage) -> Price:
        return price_of(provider, model, usage, said=None, at_ms=clock.now_ms(), prices_file=prices_file)

    one, more_in, more_out = (
        cost(Usage(input_tokens=1000 + more_in, output_tokens=1000 + more_out))
        for more_in, more_out in ((0, 0), (1000, 0), (0, 1000))
    )
    if one.cost_pico is None or more_in.cost_pico is None or more_out.cost_pico is None:
        return None
    return PerMillion(
        input=dollars((more_in.cost_pico - one.cost_pico) * 1000),
        output=dollars((more_out.cost_pico - one.cost_pico) * 1000),
        version=one.version or "",
    )


def unpriced(provider: str, model: str) -> str:
    """What to say of a model without a price where there is a budget."""
    return (
        f"nobody knows what {provider}:{model} costs, and there is a budget: write its price into prices.toml "
        '(NIGHTDROP_PRICES), or give Budget(price_unknown="allow")'
    )


def _listed(provider: str, model: str, usage: Usage, at_ms: int, tier: str | None) -> Price:
    try:
        cost = _list_price(provider, model, usage, at_ms, tier)
        full = _list_price(provider, model, _uncached(usage), at_ms, tier) if _caches(usage) else cost
    except LookupError:
        return UNKNOWN
    if cost == 0 and (usage.input_tokens or usage.output_tokens):
        return UNKNOWN  # models billed by page stand in the list with no price per token
    return Price(cost_pico=cost, source="prices", version=_list_version(), saved_pico=full - cost)


def _list_price(provider: str, model: str, usage: Usage, at_ms: int, tier: str | None) -> int:
    from genai_prices import Usage as ListUsage
    from genai_prices import calc_price

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
        price_context=None if tier is None else {"service_tier": tier},
    )
    return int(found.total_price * PICO)


def _caches(usage: Usage) -> bool:
    return bool(usage.cache_read_tokens or usage.cache_write_tokens)


def _uncached(usage: Usage) -> Usage:
    """The same tokens as they would be billed without a prompt cache."""
    return replace(usage, cache_read_tokens=0, cache_write_tokens=0)


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


def _override(provider: str, model: str, tier: str | None, prices_file: str) -> dict[str, Any] | None:
    table = _read(prices_file, _stamp(prices_file))
    names = (f"{provider}:{model}@{tier}", f"{model}@{tier}", f"{provider}:{model}", model)
    return next((table[name] for name in names if name in table), None)


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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the price list {prices_file} cannot be read: {error}") from error
    name = f"{Path(prices_file).name} {stamp // 1_000_000_000}"
    return {model: _entry(prices_file, model, entry) | {"version": name} for model, entry in data.items()}


def _entry(prices_file: str, model: str, entry: Any) -> dict[str, Any]:
    where = f'the price list {prices_file}, ["{model}"]'
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: write a table of prices, such as input and output in USD per million tokens")
    unknown = sorted(set(entry) - set(_KEYS))
    if unknown:
        raise UsageError(f"{where}: {unknown[0]} is no price; there are {', '.join(_KEYS)}")
    own = {key: _amount(where, key, value) for key, value in entry.items()}
    fresh = own.get("input", Decimal(0))
    return {key: own.get(key, fresh if key in _LIKE_INPUT else Decimal(0)) for key in _KEYS}


def _amount(where: str, key: str, value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or isinstance(value, bool):
        raise UsageError(f'{where}: {key} = {value!r} is no price; write US dollars, such as {key} = "2.50"')
    return amount


_KEYS = ("input", "cached_input", "cache_write", "output", "request")
_LIKE_INPUT = ("cached_input", "cache_write")


def _sum(own: dict[str, Any], usage: Usage) -> int:
    per_token = PICO / 1_000_000
    fresh = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    return int(
        fresh * own["input"] * per_token
        + usage.cache_read_tokens * own["cached_input"] * per_token
        + usage.cache_write_tokens * own["cache_write"] * per_token
        + usage.output_tokens * own["output"] * per_token
        + own["request"] * PICO
    )
