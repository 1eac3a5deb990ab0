"""Items of a batch: its documents in their order, each with the run that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from nightdrop.intake.take import UNREAD, Listed, Taken
from nightdrop.records.request import Disposition
from nightdrop.store import batches as rows


class Answered(NamedTuple):
    """A document as its source names it, and its run. fresh: this batch made the run, or made it try again."""

    file: str
    version: str
    run_id: str
    fresh: bool


def is_news(known: Mapping[str, str], one: Listed | Taken) -> bool:
    """Whether a document is to be taken in, given the versions that are.

    One that was taken in and is gone by now is none: it was put away, or somebody took it, after it was listed.
    """
    before = known.get(one.key)
    if before == one.version:
        return False
    return before in (None, UNREAD) or not one.is_gone


def items_of(connection: sa.Connection, batch_id: str, answered: Sequence[Answered]) -> list[dict[str, Any]]:
    """Rows for these documents, behind those that the batch has; the second one of a run is a duplicate."""
    seen = rows.runs_in_batch(connection, batch_id, [one.run_id for one in answered])
    items = []
    for position, one in enumerate(answered, rows.last_position(connection, batch_id) + 1):
        disposition: Disposition = "new" if one.fresh else "known"
        items.append(
            {
                "batch_id": batch_id,
                "file": one.file,
                "position": position,
                "version": one.version,
                "run_id": one.run_id,
                "disposition": "duplicate" if one.run_id in seen else disposition,
            }
        )
        seen.add(one.run_id)
    return items
