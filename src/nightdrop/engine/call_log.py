"""The durable call log of one attempt: the ledger's rows, committed before and after each call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nightdrop import clock
from nightdrop.engine.desk import Desk
from nightdrop.engine.purses import Purses
from nightdrop.records.budget import Need, Purse
from nightdrop.records.model_call import CallClosed, CallOpened, PastCall
from nightdrop.settings import load_settings
from nightdrop.store import model_calls as rows
from nightdrop.store.load import Work
from nightdrop.store.reservations import reserve

_LATE_SECONDS = 60  # so long after its timeout a call is surely not under way


class DurableLog:
    """Writes calls through the desk. `past`: calls of this attempt (and step) that an earlier process recorded."""

    def __init__(
        self, desk: Desk, work: Work, purses: Purses, purse: Purse | None, step: str = "", step_try: int = 1
    ) -> None:
        self._desk = desk
        self._purses = purses
        self.run_id = work.run.run_id
        self.attempt = work.attempt
        self.step = step
        self.step_try = step_try
        self.past: Sequence[PastCall] = [c for c in work.past if (c.step, c.step_try) == (step, step_try)]
        self.purse = purse

    async def open(self, call: CallOpened, need: Need | None = None) -> int | None:
        """Commit that the call is about to be made: without that it is not made."""
        if need is None or self.purse is None:
            await self._desk.insist(partial(rows.open_call, call=call))
            return None
        late_ms = (load_settings().model_timeout_seconds + _LATE_SECONDS) * 1000
        reserved = await self._desk.insist(
            partial(
                reserve,
                call=call,
                need=need,
                caps=self.purse.caps(call.opened_at),
                known=self._purses.known,
                alive_since=clock.now_ms() - late_ms,
            )
        )
        self._purses.learn(reserved.tallies)
        return reserved.tokens

    async def close(self, call_id: str, end: CallClosed) -> None:
        """Commit what it cost and what came back; tried again while the database cannot be written."""
        await self._desk.insist(partial(rows.close_call, call_id=call_id, end=end))

    async def leave_open(self, call_id: str, outcome: str) -> None:
        """Commit how it ended; the row stays possibly billed."""
        await self._desk.insist(partial(rows.leave_open, call_id=call_id, outcome=outcome))
