"""Stopping the engine does not wait for ever for a task that swallowed its cancellation."""

from __future__ import annotations

import asyncio

from nightdrop.engine.cancelling import cancel_all


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    seen = 0

    async def stubborn() -> None:
        nonlocal seen
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen += 1
                if seen == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert task.cancelled()
    assert seen == 2


async def test_ended_tasks_and_none_at_all_are_fine() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await cancel_all([done])
    await cancel_all([])
