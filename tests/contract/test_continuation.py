"""A continued attempt is a workflow of its own: the one that paused may still have to end."""

from __future__ import annotations

import asyncio

from nightdrop.engine.dbos_host import DbosHost
from nightdrop.records.request import Claimed
from nightdrop.store import Database


async def test_the_end_of_the_paused_workflow_does_not_take_the_continuation_with_it(db: Database) -> None:
    """The first workflow ends after its continuation was enqueued: the continuation runs all the same."""
    with db.read():
        pass
    begun: list[int] = []
    first_begun, may_end, second_begun = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def body(_run_id: str, _attempt: int) -> None:
        begun.append(1)
        if len(begun) == 1:
            first_begun.set()
            await may_end.wait()
        else:
            second_begun.set()

    host = DbosHost(db.engine, "test-executor", 8)
    await host.start(body)
    try:
        await host.run_now("r", 1)
        await asyncio.wait_for(first_begun.wait(), 10)
        await asyncio.to_thread(host.resume, [Claimed(run_id="r", attempt=1, dispatches=2, continued=True)])
        may_end.set()
        await asyncio.wait_for(second_begun.wait(), 10)
    finally:
        await host.stop()
    assert len(begun) == 2
