"""Whether an agent's model can be called, said before any document is touched."""

from __future__ import annotations

from typing import Any

from nightdrop.agents.spec import LOCAL, AgentSpec
from nightdrop.errors import ModelUnknown
from nightdrop.ledger.prices import check_prices
from nightdrop.settings import load_settings


def check_name(model: Any) -> None:
    """Refuse what cannot be a model. Raises ModelUnknown."""
    if isinstance(model, str):
        provider, colon, name = model.partition(":")
        if model != LOCAL and not (provider and colon and name):
            raise ModelUnknown(f'model={model!r}: write "provider:name", such as "openai:gpt-5.5", or "local"')
    elif not hasattr(model, "model_name"):
        raise ModelUnknown(f"model={model!r} is neither a name nor a pydantic-ai Model")


def check_ready(spec: AgentSpec) -> None:
    """Refuse a model that lacks its package or key. Raises ExtraMissing, ProviderNotConfigured or ModelUnknown."""
    if spec.is_local:
        return
    check_prices(load_settings().prices)
    if not isinstance(spec.model, str) or spec.model in _ready:
        return
    from nightdrop.agents.models import make_model  # the model layer is imported only where it is used

    make_model(spec.model)
    _ready.add(spec.model)


_ready: set[str] = set()
