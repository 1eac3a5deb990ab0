"""From `provider:name` to a model that can be called: our HTTP client, no retries below ours, clear errors."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import copy
import inspect
import logging
import os
from collections.abc import Callable
from typing import Any

from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider

from nightdrop.errors import ExtraMissing, ModelUnknown, ProviderNotConfigured
from nightdrop.limits.headers import hear
from nightdrop.portal import portal
from nightdrop.settings import load_settings

log = logging.getLogger("nightdrop.agents")

COMPATIBLE = "compatible"
"""The provider name of any OpenAI-compatible server: `compatible:llama3` at OPENAI_BASE_URL, a key is optional."""

_READS_PDF = frozenset(
    {"openai", "openai-chat", "openai-responses", "anthropic", "google", "google-gla", "google-vertex", "openrouter"}
)
_EXTRAS = {"openai": "openai", "anthropic": "anthropic", "google": "google", COMPATIBLE: "openai"}
_CODEX = "openai-codex"
_models: dict[str, Model] = {}
os.register_at_fork(after_in_child=_models.clear)  # connections belong to the parent's event loop


def model_for(model: str | Model) -> Model:
    """The model, ready to be called on the portal's event loop, where its connections stay open.

    Raises ExtraMissing, ProviderNotConfigured or ModelUnknown.
    """
    if isinstance(model, Model):
        return _once(model)
    key = "\0".join([model, *_configuration()])
    if key not in _models:
        _models[key] = make_model(model)
    return _models[key]


def _once(model: Model) -> Model:
    """The same model with a client that does not retry by itself: each request has a ledger row of its own."""
    client = getattr(model, "client", None)
    if client is None or not hasattr(client, "with_options") or getattr(client, "max_retries", 0) == 0:
        return model
    once = copy.copy(model)
    try:
        once.client = client.with_options(max_retries=0)  # type: ignore[attr-defined]
    except AttributeError:
        log.warning("%r retries by itself: the ledger sees such retries as one call", model)
        return model
    return once


def _configuration() -> list[str]:
    """What a client is made from: a changed key or address makes a new one."""
    return [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.endswith(("_API_KEY", "_BASE_URL"))]


@atexit.register
def _close() -> None:
    """Close connections before the interpreter goes, so that nothing complains on the way out."""
    if _models:
        future = asyncio.run_coroutine_threadsafe(_close_all(), portal().loop)
        with contextlib.suppress(TimeoutError):  # leaving does not wait for a provider
            future.result(timeout=2)


async def _close_all() -> None:
    for model in _models.values():
        close = getattr(getattr(model, "client", None), "close", None)
        closing = close() if close is not None else None
        if inspect.isawaitable(closing):
            await closing
    _models.clear()


def make_model(model: str) -> Model:
    """A new model by name. Raises ExtraMissing, ProviderNotConfigured or ModelUnknown."""
    provider_name, colon, name = model.partition(":")
    if not colon or not name:
        raise ModelUnknown(f'model={model!r}: write "provider:name", such as "openai:gpt-5.5", or "local"')
    try:
        if provider_name == COMPATIBLE:
            return _compatible(name)
        return _once(infer_model(model, provider_factory=_provider))
    except ProviderNotConfigured as error:
        raise ProviderNotConfigured(f"model={model!r}: {error.message}") from error
    except ImportError as error:
        extra = _EXTRAS.get(_family(provider_name))
        package = f"pydantic-ai-slim[{provider_name}]" if extra is None else f"nightdrop[{extra}]"
        raise ExtraMissing(f'model={model!r} needs: pip install "{package}"') from error
    except UserError as error:
        kind = ModelUnknown if "Unknown" in str(error) else ProviderNotConfigured
        raise kind(f"model={model!r}: {error}") from error
    except ValueError as error:
        raise ModelUnknown(f"model={model!r}: {error}") from error
    except Exception as error:  # SDKs raise their own errors for a missing key
        if "key" in str(error).lower() or "credential" in str(error).lower():
            raise ProviderNotConfigured(f"model={model!r}: {error}") from error
        raise


def provider_of(model: str | Model) -> str:
    """The provider's name for the ledger and for what it can read."""
    return model.partition(":")[0] if isinstance(model, str) else model.system


def reads_pdf(model: str | Model) -> bool:
    """Whether PDFs go to this model as they are. Compatible and local servers claim it and cannot."""
    return provider_of(model) in _READS_PDF


def takes_marks(model: str | Model) -> bool:
    """Whether the model's HTTP client is ours and puts documents in the place of their marks."""
    name = provider_of(model)
    ours = name == COMPATIBLE or (_family(name) == "openai" and name != _CODEX)
    return isinstance(model, str) and ours


def _family(provider_name: str) -> str:
    return "google" if provider_name.startswith("google") else provider_name.partition("-")[0]


def _provider(name: str) -> Provider[Any]:
    makers: dict[str, Callable[[], Provider[Any]]] = {"openai": _openai, "anthropic": _anthropic}
    maker = makers.get(_family(name))
    return infer_provider(name) if maker is None or name == _CODEX else maker()


def _openai() -> Provider[Any]:
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIProvider(openai_client=_openai_client(os.environ.get("OPENAI_BASE_URL"), None))


def _compatible(name: str) -> Model:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    base_url = os.environ.get("OPENAI_BASE_URL")
    if not base_url:
        raise ProviderNotConfigured(f"model='{COMPATIBLE}:{name}': set OPENAI_BASE_URL to the server's address")
    client = _openai_client(base_url, os.environ.get("OPENAI_API_KEY") or "none")
    return OpenAIChatModel(name, provider=OpenAICompatibleProvider(COMPATIBLE, openai_client=client))


def _openai_client(base_url: str | None, key: str | None) -> Any:
    from nightdrop.agents.openai_client import DocumentClient, OpenAIClient

    if key is None and not os.environ.get("OPENAI_API_KEY"):
        raise ProviderNotConfigured("OPENAI_API_KEY is not set")
    timeout = float(load_settings().model_timeout_seconds)
    client = DocumentClient(timeout=timeout)
    return OpenAIClient(api_key=key, base_url=base_url, max_retries=0, http_client=client, timeout=timeout)


def _anthropic() -> Provider[Any]:
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
    from pydantic_ai.providers.anthropic import AnthropicProvider

    if not os.environ.get("ANTHROPIC_API_KEY"):
        raise ProviderNotConfigured("ANTHROPIC_API_KEY is not set")
    timeout = float(load_settings().model_timeout_seconds)
    http = DefaultAsyncHttpxClient(timeout=timeout, event_hooks={"response": [_hear]})
    return AnthropicProvider(anthropic_client=AsyncAnthropic(max_retries=0, timeout=timeout, http_client=http))


async def _hear(response: Any) -> None:
    hear(response.headers)
