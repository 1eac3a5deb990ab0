"""Durable execution: the only importer of dbos."""

from nightdrop.engine.engine import Engine
from nightdrop.engine.host import (
    abandon_engine,
    close_engine,
    default_concurrency,
    engine_for,
    reader_pool,
    registry,
    running_engine,
)
from nightdrop.engine.identity import Role

__all__ = [
    "Engine",
    "Role",
    "abandon_engine",
    "close_engine",
    "default_concurrency",
    "engine_for",
    "reader_pool",
    "registry",
    "running_engine",
]
