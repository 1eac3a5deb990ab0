"""Reviews for a person: what to look at next, and what was decided. What `db.reviews` is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import jsonschema
import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import CorrectionInvalid, ReviewNotFound
from nightdrop.faults import reach
from nightdrop.pausing import as_json
from nightdrop.records.paths import general
from nightdrop.records.request import require_text
from nightdrop.records.review import Accuracy, Review, ReviewKind, ReviewState
from nightdrop.store import review_rows as rows
from nightdrop.store.decisions import Decided, decide_review
from nightdrop.store.tables import reviews, runs

if TYPE_CHECKING:
    from nightdrop.store.database import Database

_DECIDED = ("accepted", "corrected")


class Reviews:
    """The reviews of one database. Starts nothing: a corrected run waits for a process that has its agent.

    In filters, a field is a path, with `*` for any index; a state of None means every state.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(
        self,
        *,
        run_id: str | None = None,
        agent_id: str | None = None,
        batch_id: str | None = None,
        field: str | None = None,
        kind: ReviewKind | str | None = None,
        state: ReviewState | str | None = ReviewState.OPEN,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Review]:
        """Reviews, what an error would cost most first; `after` is the id the page starts behind."""
        wanted = rows.ReviewFilter(
            run_id=run_id,
            agent_id=agent_id,
            batch_id=batch_id,
            field=field,
            kind=None if kind is None else ReviewKind(kind),
            state=None if state is None else ReviewState(state),
        )
        last = None if after is None else self.get(after)
        with self._db.read() as connection:
            return rows.find_reviews(connection, wanted, after=last, limit=limit)

    def next(self, *, agent_id: str | None = None, field: str | None = None, after: str | None = None) -> Review | None:
        """The open review that is most worth deciding, None when there is none. after: pass over those up to it."""
        found = self.list(agent_id=agent_id, field=field, after=after, limit=1)
        return found[0] if found else None

    def get(self, review_id: str) -> Review:
        """One review. Raises ReviewNotFound."""
        with self._db.read() as connection:
            found = rows.load_review(connection, review_id)
        if found is None:
            raise ReviewNotFound(f"there is no review {review_id!r} in {self._db.label}")
        return found

    def accept(self, review_id: str, *, reviewer: str, note: str | None = None) -> Review:
        """The value is right. With the last review of its run that is accepted, the run is COMPLETED.

        Raises ReviewDecided for the second of two, ReviewOutdated, ReviewNotFound.
        """
        return self._decide(Decided(review_id=review_id, verdict="accepted", reviewer=reviewer, note=note))

    def correct(self, review_id: str, value: Any, *, reviewer: str, note: str | None = None) -> Review:
        """The value is this one instead, as JSON data (None: it is not there). With the last review of its run decided,
        a process that has its agent completes the run.

        Of the answer as a whole, the value is the whole answer. Raises CorrectionInvalid, and as `accept`.
        """
        as_json(value, "a correction")
        _check(self.get(review_id), value)
        decided = Decided(review_id=review_id, verdict="corrected", reviewer=reviewer, correction=value, note=note)
        return self._decide(decided)

    def reject(self, review_id: str, *, reviewer: str, note: str | None = None) -> Review:
        """The document cannot be used so: its run ends in ERROR, as a dead letter. Raises as `accept`.

        Of a sample: the answer was wrong; its run stays as it is.
        """
        return self._decide(Decided(review_id=review_id, verdict="rejected", reviewer=reviewer, note=note))

    async def aaccept(self, review_id: str, *, reviewer: str, note: str | None = None) -> Review:
        """`accept` for async code."""
        return await asyncio.to_thread(partial(self.accept, review_id, reviewer=reviewer, note=note))

    async def acorrect(self, review_id: str, value: Any, *, reviewer: str, note: str | None = None) -> Review:
        """`correct` for async code."""
        return await asyncio.to_thread(partial(self.correct, review_id, value, reviewer=reviewer, note=note))

    async def areject(self, review_id: str, *, reviewer: str, note: str | None = None) -> Review:
        """`reject` for async code."""
        return await asyncio.to_thread(partial(self.reject, review_id, reviewer=reviewer, note=note))

    def accuracy(self, *, agent_id: str | None = None, since: datetime | None = None) -> Sequence[Accuracy]:
        """How often each field was right, of those that people accepted or corrected; samples and doubts apart.

        Doubts are the difficult ones: only samples say how good the answers are that nobody looks at.
        """
        r = reviews.c
        query = sa.select(r.kind, r.path, r.value, r.correction, r.state, runs.c.subject_id, runs.c.kind.label("of"))
        query = query.join(runs, runs.c.run_id == r.run_id).where(r.state.in_(_DECIDED))
        if agent_id is not None:
            query = query.where(runs.c.subject_id == agent_id)
        if since is not None:
            query = query.where(r.decided_at >= int(since.timestamp() * 1000))
        right: Counter[tuple[Any, ...]] = Counter()
        wrong: Counter[tuple[Any, ...]] = Counter()
        with self._db.read() as connection:
            for row in connection.execute(query).mappings():
                subject = row["subject_id"] if row["of"] == "agent" else None
                for path, was_right in rows.outcomes(row):
                    (right if was_right else wrong)[subject, ReviewKind(row["kind"]), general(path)] += 1
        return [
            Accuracy(agent_id=key[0], kind=key[1], field=key[2], right=right[key], wrong=wrong[key])
            for key in sorted({*right, *wrong}, key=lambda key: (key[0] or "", key[1].value, key[2]))
        ]

    def _decide(self, decided: Decided) -> Review:
        require_text(reviewer=decided.reviewer, note=decided.note)
        self._db.transact(lambda c: decide_review(c, decided, clock.now_ms()))
        reach("review.committed")
        return self.get(decided.review_id)


def _check(review: Review, value: Any) -> None:
    """Refuse at once what the schema does not take; what only its class knows is found when the run goes on."""
    kind = jsonschema.validators.validator_for(review.schema, default=jsonschema.Draft202012Validator)
    problems = list(_problems(kind(review.schema), value))
    if problems:
        name = review.field or "the answer"
        raise CorrectionInvalid(f"{value!r} is no value of {name}: {'; '.join(problems[:3])}")


def _problems(validator: Any, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message}"
