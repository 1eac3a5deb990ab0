"""Everything that a process of the command line may import, for the process that `tests.forked` forks them from."""

from __future__ import annotations

import gc
import importlib
import pkgutil

import nightdrop

_AT_THEIR_START = ("__main__", "migrations.env")
"""Modules that do something when they are imported."""

for _found in pkgutil.walk_packages(nightdrop.__path__, "nightdrop."):
    if not _found.name.endswith(_AT_THEIR_START):
        importlib.import_module(_found.name)
for _provider in ("openai", "anthropic", "google"):
    importlib.import_module(f"pydantic_ai.models.{_provider}")
gc.freeze()
