"""Durable execution: the only importer of dbos."""

from nightdrop.engine.engine import Engine
from nightdrop.engine.host import (
    abandon_engine,
    close_engine,
    engine_for,
    reader_pool,
    registry,
    running_engine,
)
from nightdrop.engine.identity import Role, disown_children

__all__ = [
    "Engine",
    "Role",
    "abandon_engine",
    "close_engine",
    "disown_children",
    "engine_for",
    "reader_pool",
    "registry",
    "running_engine",
]
