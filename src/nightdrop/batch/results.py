"""Results of a batch as they finish, with a bounded window in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

from nightdrop.engine import Engine
from nightdrop.records.run import RunOutput
from nightdrop.store.batches import items_after
from nightdrop.store.load import load_runs, statuses

_WINDOW = 2000
_PAGE = 500
_POLL_SECONDS = 0.2


async def stream_results(
    engine: Engine, batch_id: str, is_accepted: Callable[[], Awaitable[bool]], *, wait: bool = True
) -> AsyncGenerator[tuple[str, RunOutput]]:
    """(file, run) of each distinct document once it has ended, nearly in the order of the source.

    is_accepted: whether the source has been listed to its end. wait: until all have ended; False: only those that have.
    """
    position = 0
    waiting: dict[str, str] = {}
    while True:
        accepted = await is_accepted()
        page: list[tuple[int, str, str]] = []
        if len(waiting) < _WINDOW:
            page = await engine.desk.read(partial(items_after, batch_id=batch_id, position=position, limit=_PAGE))
            waiting.update({run_id: file for _, run_id, file in page})
            position = page[-1][0] if page else position
        ended = await _ended(engine, list(waiting))
        for run in ended:
            yield waiting.pop(run.run_id), run
        if not wait:
            waiting.clear()
        if not page and not waiting and (accepted or not wait):
            return
        if wait and not ended and len(page) < _PAGE:
            await engine.waiters.any_end(_POLL_SECONDS)


async def _ended(engine: Engine, run_ids: list[str]) -> list[RunOutput]:
    found: list[RunOutput] = []
    for at in range(0, len(run_ids), _PAGE):
        chunk = run_ids[at : at + _PAGE]
        state = await engine.desk.read(partial(statuses, run_ids=chunk))
        done = [i for i in chunk if i in state and not state[i].is_open]
        if done:
            found += await engine.desk.read(partial(load_runs, run_ids=done))
    return found
