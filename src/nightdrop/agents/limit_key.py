"""Whose limits a model's calls count against. No client is made for it: the model layer need not be loaded."""

from __future__ import annotations

import os
from typing import Any

from nightdrop.limits.key import LimitKey, credential

_SAME = {"openai-chat": "openai", "openai-responses": "openai"}
"""Other names of an API with the same limits."""

_VARIABLES = {"compatible": "OPENAI"}


def limit_key(model: Any) -> LimitKey:
    """The key of a model's limits: by its provider's variables, or by the client of a Model object."""
    if isinstance(model, str):
        provider, _, name = model.partition(":")
        family = "google" if provider.startswith("google") else provider.partition("-")[0]
        prefix = _VARIABLES.get(provider, family.upper())
        given = {n: v for n, v in os.environ.items() if n.startswith(f"{prefix}_")}
        key = next((v for n, v in sorted(given.items()) if n.endswith("_API_KEY")), "")
        address = given.get(f"{prefix}_BASE_URL", "")
        return LimitKey(provider=_SAME.get(provider, provider), model=name, credential=credential(key, address))
    client = getattr(model, "client", None)
    key, address = getattr(client, "api_key", "") or "", getattr(client, "base_url", "") or ""
    provider = str(getattr(model, "system", "model"))
    return LimitKey(provider=provider, model=str(model.model_name), credential=credential(str(key), str(address)))
