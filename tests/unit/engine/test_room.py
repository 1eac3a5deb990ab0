"""Room for documents' bytes: never more than was said, in order, nobody forgotten."""

from __future__ import annotations

import asyncio
import random

from nightdrop.engine.pump import _slowed
from nightdrop.engine.room import Room


async def test_what_is_at_work_never_exceeds_it_whatever_is_cancelled() -> None:
    room, chance, most, done = Room(lambda: 100), random.Random(3), 0, 0

    async def work(size: int) -> None:
        nonlocal most, done
        async with room.held(size):
            most = max(most, room.taken)
            await asyncio.sleep(chance.random() / 200)
        done += 1

    tasks = [asyncio.create_task(work(chance.randint(1, 60))) for _ in range(300)]
    for n, task in enumerate(tasks):
        if n % 7 == 0:
            await asyncio.sleep(0)
            task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    cancelled = sum(isinstance(end, asyncio.CancelledError) for end in ended)
    assert (most <= 100, room.taken, done + cancelled) == (True, 0, 300)
    assert cancelled > 0
    assert done > 200


async def test_one_larger_than_the_whole_goes_alone_and_is_not_overtaken() -> None:
    room, order = Room(lambda: 10), []

    async def work(name: str, size: int) -> None:
        async with room.held(size):
            order.append((name, room.taken))
            await asyncio.sleep(0.01)

    await asyncio.gather(work("small", 4), work("huge", 50), work("next", 4))
    assert order == [("small", 4), ("huge", 50), ("next", 4)]


def test_slow_commits_leave_fewer_runs_in_hand() -> None:
    assert [_slowed(96, seconds) for seconds in (0.0, 0.02, 0.5, 1.0, 5.0, 600.0)] == [96, 96, 96, 48, 9, 1]
