"""Who waits, and who is next: priority first, then one of each lane in turn, within a lane as they came."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """A line of waiting callers. A batch is one lane however many documents it has, so a single run is never behind
    more than one document of each."""

    def __init__(self) -> None:
        self._lanes: dict[int, dict[str, deque[T]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def join(self, item: T, *, lane: str, priority: int) -> None:
        """Stand at the end of one's lane."""
        self._lanes.setdefault(priority, {}).setdefault(lane, deque()).append(item)
        self._count += 1

    def leave(self, item: T, *, lane: str, priority: int) -> None:
        """Wait no longer; nothing happens when it had its turn already."""
        lanes = self._lanes.get(priority, {})
        if lane in lanes and item in lanes[lane]:
            lanes[lane].remove(item)
            self._count -= 1
            self._tidy(priority, lane)

    def first(self) -> T | None:
        """Whose turn it is."""
        if not self._lanes:
            return None
        lanes = self._lanes[min(self._lanes)]
        return next(iter(lanes.values()))[0]

    def pop(self) -> T:
        """Take the first, and put its lane behind the others."""
        priority = min(self._lanes)
        lanes = self._lanes[priority]
        lane = next(iter(lanes))
        items = lanes.pop(lane)
        item = items.popleft()
        self._count -= 1
        if items:
            lanes[lane] = items
        elif not lanes:
            del self._lanes[priority]
        return item

    def _tidy(self, priority: int, lane: str) -> None:
        if not self._lanes[priority][lane]:
            del self._lanes[priority][lane]
        if not self._lanes[priority]:
            del self._lanes[priority]
