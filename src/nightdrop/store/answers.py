"""The answer cache: no store of its own, but a look at completed runs over the same input at the same revision.

What is pruned or forgotten is therefore no answer any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from nightdrop.records.request import RunRequest
from nightdrop.store.tables import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """What a completed run has answered. content, fields, checks: JSON text, as the row has it."""

    run_id: str
    content: str | None
    fields: str | None
    checks: str | None


_FIND = (
    sa.select(runs.c.run_id, runs.c.content, runs.c.fields, runs.c.checks)
    .where(
        runs.c.status == sa.literal_column("'COMPLETED'"),  # literal, so that the partial index is used
        runs.c.subject_id == sa.bindparam("of_subject"),
        runs.c.revision == sa.bindparam("of_revision"),
        runs.c.input_hash == sa.bindparam("of_input"),
        runs.c.kind == sa.bindparam("of_kind"),
        runs.c.cached_from.is_(None),
    )
    .order_by(runs.c.run_id.desc())
    .limit(1)
)


def find_answer(connection: sa.Connection, request: RunRequest) -> FoundAnswer | None:
    """The newest answer to the same message over the same documents, None if there is none or it may not be used.

    A message alone is never answered from the cache.
    """
    if not (request.cache and request.files) or request.rerun or request.refused is not None:
        return None
    key = {
        "of_kind": request.subject.kind,
        "of_subject": request.subject.id,
        "of_revision": request.subject.revision,
        "of_input": request.input_hash,
    }
    row = connection.execute(_FIND, key).mappings().first()
    return None if row is None else FoundAnswer(**row)
