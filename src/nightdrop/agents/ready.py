"""Whether an agent's model can be called, said before any document is touched."""

from __future__ import annotations

from typing import Any

from nightdrop import clock
from nightdrop.agents.spec import LOCAL, AgentSpec
from nightdrop.errors import ModelUnknown
from nightdrop.ledger.prices import check_priced, check_prices
from nightdrop.limits.file import check_limits
from nightdrop.records.budget import amount_of
from nightdrop.settings import load_settings


def check_name(model: Any) -> None:
    """Refuse what cannot be a model. Raises ModelUnknown."""
    if isinstance(model, str):
        provider, colon, name = model.partition(":")
        if model != LOCAL and not (provider and colon and name):
            raise ModelUnknown(f'model={model!r}: write "provider:name", such as "openai:gpt-5.5", or "local"')
    elif not hasattr(model, "model_name"):
        raise ModelUnknown(f"model={model!r} is neither a name nor a pydantic-ai Model")


def check_ready(spec: AgentSpec, *, bounded: bool = False) -> None:
    """Refuse a model that lacks its package or key. Raises ExtraMissing, ProviderNotConfigured or ModelUnknown.

    bounded: there is a budget that the agent does not know of. Raises PriceUnknown where a budget could not count.
    """
    if spec.is_local:
        return
    check_prices(load_settings().prices)
    check_limits(load_settings().limits)
    _check_budget(spec, bounded=bounded)
    if not isinstance(spec.model, str) or spec.model in _ready:
        return
    from nightdrop.agents.models import make_model  # the model layer is imported only where it is used

    make_model(spec.model)
    _ready.add(spec.model)


def _check_budget(spec: AgentSpec, *, bounded: bool) -> None:
    said = load_settings().budget_per_day
    if said != "none":
        amount_of(said, f"NIGHTDROP_BUDGET_PER_DAY={said!r}")
    if not (bounded or spec.budget is not None or said != "none"):
        return
    if spec.budget is not None and spec.budget.price_unknown == "allow":
        return
    provider, name = (
        spec.model.split(":", 1) if isinstance(spec.model, str) else (spec.model.system, spec.model.model_name)
    )
    check_priced(provider, name, load_settings().prices, clock.now_ms())


_ready: set[str] = set()
