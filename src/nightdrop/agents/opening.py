"""Opening a call: past the limits, into the budget, into the ledger; waiting while calls under way settle."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from weakref import WeakValueDictionary

from pydantic_ai.messages import ModelMessage

from nightdrop import clock
from nightdrop.agents.admission import Admission
from nightdrop.agents.retry_policy import LONG_WAIT_SECONDS
from nightdrop.errors import BudgetExceeded
from nightdrop.ledger.log import CallLog
from nightdrop.limits.pace import Ticket
from nightdrop.records.budget import Need
from nightdrop.records.model_call import CallOpened

_LOOK_SECONDS = 0.1

_lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""Who waits for a budget in this process, in order: the first of each line looks, the others wait for it."""


async def opened(
    admission: Admission, log: CallLog, call: CallOpened, need: Need | None, messages: list[ModelMessage]
) -> tuple[Ticket, int | None]:
    """The permit and the most tokens that the answer may have (None: as many as it will), once the row is committed.

    A call that fits as soon as others have settled waits some seconds for them, without a permit. Raises
    BudgetExceeded, and then nothing is written.
    """
    try:
        return await _open(admission, log, call, need, messages)
    except BudgetExceeded as full:
        if not full.settles:
            raise
        waits_for = full
    until = clock.monotonic() + LONG_WAIT_SECONDS
    line = _lines.setdefault(waits_for.budget, asyncio.Lock())
    try:
        async with asyncio.timeout(LONG_WAIT_SECONDS):
            await line.acquire()
    except TimeoutError:
        raise waits_for from None
    try:
        while True:
            try:
                return await _open(admission, log, replace(call, opened_at=clock.now_ms()), need, messages)
            except BudgetExceeded as full:
                if not full.settles or clock.monotonic() >= until:
                    raise
            await asyncio.sleep(_LOOK_SECONDS * (1 + random.random()))
    finally:
        line.release()


async def _open(
    admission: Admission, log: CallLog, call: CallOpened, need: Need | None, messages: list[ModelMessage]
) -> tuple[Ticket, int | None]:
    ticket = await admission.enter(messages)
    try:
        return ticket, await log.open(call, need)
    except BaseException:
        admission.let_go(ticket)
        raise
