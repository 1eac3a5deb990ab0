"""The durable call log of one attempt: the ledger's rows, committed before and after each call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nightdrop.engine.desk import Desk
from nightdrop.records.model_call import CallClosed, CallOpened, PastCall
from nightdrop.store import model_calls as rows


class DurableLog:
    """Writes calls through the desk. `past`: calls of this attempt that an earlier process recorded."""

    def __init__(self, desk: Desk, run_id: str, attempt: int, past: Sequence[PastCall]) -> None:
        self._desk = desk
        self.run_id = run_id
        self.attempt = attempt
        self.past = past

    async def open(self, call: CallOpened) -> None:
        """Commit that the call is about to be made: without that it is not made."""
        await self._desk.insist(partial(rows.open_call, call=call))

    async def close(self, call_id: str, end: CallClosed) -> None:
        """Commit what it cost and what came back; tried again while the database cannot be written."""
        await self._desk.insist(partial(rows.close_call, call_id=call_id, end=end))

    async def leave_open(self, call_id: str, outcome: str) -> None:
        """Commit how it ended; the row stays possibly billed."""
        await self._desk.insist(partial(rows.leave_open, call_id=call_id, outcome=outcome))
