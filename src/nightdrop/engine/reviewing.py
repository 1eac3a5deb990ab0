"""How an attempt ends with its answer: COMPLETED, or PAUSED for a person; and how it goes on from what one decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.agents import AgentSpec, Answer, AnswerRequest, doubts_of, recheck, sampled
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import AnswerInvalid
from nightdrop.records.paths import with_value
from nightdrop.records.review import ReviewKind
from nightdrop.store import attempts as rows
from nightdrop.store.decisions import Reviewed, reopen, reviewed_fields
from nightdrop.store.load import Work
from nightdrop.store.review_rows import insert_reviews, pause_for_review

End = Callable[[sa.Connection], bool]


def ending(spec: AgentSpec | None, work: Work, found: Answer) -> End:
    """The write that ends an attempt with this answer, as the agent's review policy says; a workflow has none."""
    run_id, attempt, now_ms = work.run.run_id, work.attempt, clock.now_ms()
    policy = None if spec is None else spec.review
    doubts = [] if spec is None or policy is None else doubts_of(policy, spec.schema, found)
    if doubts:
        return partial(
            pause_for_review,
            run_id=run_id,
            attempt=attempt,
            content=found.content,
            fields=found.fields,
            checks=found.checks,
            doubts=doubts,
            now_ms=now_ms,
        )
    sample = None if spec is None or policy is None else sampled(policy, spec.schema, found, run_id)

    def complete(connection: sa.Connection) -> bool:
        won = rows.complete(
            connection,
            run_id,
            attempt,
            content=found.content,
            fields=found.fields,
            checks=found.checks,
            now_ms=now_ms,
        )
        if won and sample is not None:
            insert_reviews(connection, run_id, attempt, ReviewKind.SAMPLE, [sample], now_ms)
        return won

    return complete


async def corrected(spec: AgentSpec, work: Work, reviewed: Reviewed, request: AnswerRequest, reader: ReaderPool) -> End:
    """The write that ends an attempt with what people made of its answer; no model is asked. A correction that the
    schema's class refuses is asked again."""
    run_id, attempt = work.run.run_id, work.attempt
    content = reviewed.content
    try:
        for path, value in sorted(reviewed.corrections.items()):
            content = with_value(content, path, value)
        content = spec.schema.validate(content)
    except (AnswerInvalid, KeyError) as invalid:
        why = invalid.message if isinstance(invalid, AnswerInvalid) else f"there is no place for {invalid}"
        paths = list(reviewed.corrections)
        return partial(reopen, run_id=run_id, attempt=attempt, paths=paths, why=why, now_ms=clock.now_ms())
    found = await recheck(spec, request, content, reader)
    kept = {path: reviewed.fields.get(path, field) for path, field in found.fields.items()}
    fresh = {path: field for path, field in found.fields.items() if _is_corrected(path, reviewed)}
    fields = reviewed_fields({**kept, **fresh}, replace(reviewed, corrections=dict.fromkeys(fresh)))
    return partial(
        rows.complete,
        run_id=run_id,
        attempt=attempt,
        content=found.content,
        fields=fields,
        checks=found.checks,
        now_ms=clock.now_ms(),
    )


def _is_corrected(path: str, reviewed: Reviewed) -> bool:
    """Also what is within a corrected value."""
    return any(not at or path == at or path.startswith(f"{at}.") for at in reviewed.corrections)
