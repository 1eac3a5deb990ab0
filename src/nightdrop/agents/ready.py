"""Whether an agent's model can be called, said before any document is touched."""

from __future__ import annotations

from typing import Any

from nightdrop import clock
from nightdrop.agents.spec import LOCAL, AgentSpec, model_id
from nightdrop.errors import ModelUnknown, UsageError
from nightdrop.ledger.prices import check_priced, check_prices
from nightdrop.limits.file import check_limits
from nightdrop.records.budget import amount_of
from nightdrop.settings import load_settings


def named_models(model: Any) -> tuple[Any, ...]:
    """The models that `model=` names, one or a list. Raises ModelUnknown or UsageError."""
    models = tuple(model) if isinstance(model, list | tuple) else (model,)
    if not models:
        raise ModelUnknown('model=[] names no model: give one, such as "openai:gpt-5.5"')
    for one in models:
        _check_name(one)
    names = [model_id(one) for one in models]
    if len(names) > 1 and LOCAL in names:
        raise UsageError('model="local" stands alone: it asks no provider, so nothing can take its place')
    if len(set(names)) < len(names):
        raise UsageError(f"model={names}: name each model once")
    return models


def _check_name(model: Any) -> None:
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
    for model in spec.models:
        if isinstance(model, str) and model not in _ready:
            from nightdrop.agents.models import make_model  # the model layer is imported only where it is used

            make_model(model)
            _ready.add(model)


def _check_budget(spec: AgentSpec, *, bounded: bool) -> None:
    said = load_settings().budget_per_day
    if said != "none":
        amount_of(said, f"NIGHTDROP_BUDGET_PER_DAY={said!r}")
    if not (bounded or spec.budget is not None or said != "none"):
        return
    if spec.budget is not None and spec.budget.price_unknown == "allow":
        return
    for model in spec.models:
        provider, name = model.split(":", 1) if isinstance(model, str) else (model.system, model.model_name)
        check_priced(provider, name, load_settings().prices, clock.now_ms())


_ready: set[str] = set()
