"""How many runs this process takes in hand, for each provider by itself, and of which agents it takes any now."""

from __future__ import annotations

import math
import os

from nightdrop.agents import AgentSpec
from nightdrop.agents.limit_key import limit_key
from nightdrop.engine.registry import Registry, Spec
from nightdrop.limits.board import Board
from nightdrop.records.request import Subject

LOCAL_GROUP = "local"
_MOST_RUNS = 512  # at work for one provider in one process: what waits for a permit is prepared, and takes memory
_AHEAD, _LEAST_AHEAD = 1.25, 4  # runs prepared for each call that may be under way
_LEAST_WINDOW = 32


def default_concurrency() -> int:
    """Runs of the local reader at a time when nobody says: enough to keep every core's reader busy."""
    return 8 * (os.cpu_count() or 1)


class Capacity:
    """concurrency: runs at a time as the user said it, None: the local reader by its cores, a model by what its
    governor has found out."""

    def __init__(self, registry: Registry, board: Board, concurrency: int | None) -> None:
        self._registry = registry
        self._board = board
        self._concurrency = concurrency

    def runs(self, group: str) -> int:
        """Runs of this group at work at a time."""
        if self._concurrency is not None:
            return self._concurrency
        if group == LOCAL_GROUP:
            return default_concurrency()
        width = self._board.width(group)
        return min(_MOST_RUNS, max(8, math.ceil(width * _AHEAD) + _LEAST_AHEAD))

    def window(self, group: str) -> int:
        """Runs of this group in hand, at work or waiting for that."""
        return max(_LEAST_WINDOW, 3 * self.runs(group))

    def groups(self, now_ms: int) -> dict[str, list[Subject]]:
        """What this process may take now: what is loaded by what its calls count against, without that of whose
        models none can be asked, since its provider is paused. A workflow counts with its first agent that asks one."""
        found: dict[str, list[Subject]] = {}
        for subject in self._registry:
            spec = self._registry.find(subject.id, subject.revision)
            lead = None if spec is None else _lead(spec)
            if lead is None:
                found.setdefault(LOCAL_GROUP, []).append(subject)
                continue
            keys = map(limit_key, lead.models)
            key = next((key for key in keys if not self._board.account(key.account).blocks(now_ms)), None)
            if key is not None:
                found.setdefault(key.name, []).append(subject)
        return found


def _lead(spec: Spec) -> AgentSpec | None:
    """The agent whose model it asks first, None if it asks none."""
    agents = [spec] if isinstance(spec, AgentSpec) else spec.agents
    return next((agent for agent in agents if isinstance(agent, AgentSpec) and not agent.is_local), None)
