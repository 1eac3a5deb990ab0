"""Named fault points: where the crash suite pulls the plug. Off unless NIGHTDROP_FAULT_POINT is set.

`NIGHTDROP_FAULT_POINT=result.committed:3` kills the process with SIGKILL the third time it comes by.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "accept.stored",  # bytes written, no row yet
    "accept.commit",  # rows written, not committed
    "accept.committed",
    "batch.opened",  # a batch without a source is committed, its id not answered
    "batch.close",  # that no more documents come is written, not committed
    "batch.closed",
    "dispatch.commit",  # row claimed and workflow enqueued, not committed
    "dispatch.committed",
    "attempt.started",  # the row says RUNNING
    "call.opened",  # the ledger row is committed, the request has not left
    "call.answered",  # the answer is here, the ledger row still open
    "call.closed",
    "step.done",  # a step has ended, its row is not written yet
    "step.commit",  # the row is written, not committed
    "step.committed",
    "answer.made",
    "result.commit",  # result written, not committed
    "result.committed",
    "continue.commit",  # decision written and run queued, not committed
    "continue.committed",
    "review.commit",  # a decision is written, with what follows for its run, not committed
    "review.committed",
    "replay.commit",  # a letter's run is queued again, not committed
    "replay.committed",
    "cancel.commit",  # runs are asked to stop, not committed
    "cancel.committed",
    "prune.engine",  # the engine's rows of old runs are gone, ours not yet
    "prune.commit",  # our rows are deleted, not committed
    "prune.committed",  # our rows are gone, the bytes not yet
    "prune.bytes",  # the bytes are gone, the rows that say so not yet
    "fire.commit",  # the fire, its run or batch and the next time are written, not committed
    "fire.committed",  # fired, the documents are not listed yet
    "close.commit",  # the end of a fire is written, not committed
    "close.committed",  # the end of a fire is committed
    "after.copied",  # a remote file is copied to where it goes, and not yet deleted
    "after.done",  # a file is moved or deleted, the row does not say so yet
    "delivery.claimed",  # a webhook's delivery is this process's, not sent yet
    "delivery.sent",  # the receiver has answered, the row does not say so yet
    "sink.claimed",  # results are claimed for a sink, nothing is put yet
    "sink.written",  # a file of a sink is whole under its temporary name
    "sink.put",  # results are in the sink, the rows do not say so yet
    "out.written",  # every result row is in the sibling file, which has not taken its name yet
)

_left: int | None = None  # how often its point may still be passed


def reach(point: str) -> None:
    """Come by a fault point: nothing, or the end of this process."""
    global _left
    name, _, count = os.environ.get("NIGHTDROP_FAULT_POINT", "").partition(":")
    if point != name:
        return
    _left = int(count or 1) - 1 if _left is None else _left - 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
