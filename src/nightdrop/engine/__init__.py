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
from nightdrop.engine.rounds import Rounds

__all__ = [
    "Engine",
    "Role",
    "Rounds",
    "abandon_engine",
    "close_engine",
    "disown_children",
    "engine_for",
    "reader_pool",
    "registry",
    "running_engine",
]
