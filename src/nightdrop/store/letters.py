"""Dead letters for a person: looked at, replayed, let go, given to somebody. What `db.dead_letters` is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import LetterNotFound, LetterOutdated, LetterWithoutBytes, NightdropError
from nightdrop.faults import reach
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState, LetterFilter, Replay
from nightdrop.records.request import require_text
from nightdrop.records.run_error import RunError
from nightdrop.store import dead_letters as rows
from nightdrop.store.accept import try_again
from nightdrop.store.tables import documents, run_files, runs

if TYPE_CHECKING:
    from nightdrop.store.database import Database

_CHUNK = 200  # letters in one transaction: bounds how long the write lock is held


class DeadLetters:
    """The dead letters of one database. Starts nothing: a replayed run waits for a process that executes its agent.

    In filters, `since` is a datetime, and a state of None means every state.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(
        self,
        *,
        code: str | None = None,
        since: datetime | None = None,
        batch_id: str | None = None,
        agent_id: str | None = None,
        state: DeadLetterState | str | None = DeadLetterState.OPEN,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[DeadLetter]:
        """Letters, newest first; `before` is the id the page starts after."""
        wanted = _filter(code, since, batch_id, agent_id, state)
        with self._db.read() as connection:
            return rows.find_letters(connection, wanted, before=before, limit=limit)

    def get(self, letter_id: str) -> DeadLetter:
        """One letter. Raises LetterNotFound."""
        return self._known([letter_id])[letter_id]

    def replay(self, letters: str | Sequence[str]) -> Sequence[Replay]:
        """Queue the letters' runs for another attempt; the letters stay, marked replayed.

        One that cannot be replayed is said in its `error`; when it is the only one asked for, that is raised.
        """
        ids = [letters] if isinstance(letters, str) else list(dict.fromkeys(letters))
        self._known(ids)
        found = [outcome for chunk in _chunks(ids) for outcome in self._replay(chunk)]
        if isinstance(letters, str) and found[0].error is not None:
            kind = LetterWithoutBytes if found[0].error.code == LetterWithoutBytes.code else LetterOutdated
            raise kind(found[0].error.message)
        return found

    async def areplay(self, letters: str | Sequence[str]) -> Sequence[Replay]:
        """`replay` for async code."""
        return await asyncio.to_thread(self.replay, letters)

    def replay_all(
        self,
        *,
        code: str | None = None,
        since: datetime | None = None,
        batch_id: str | None = None,
        agent_id: str | None = None,
        state: DeadLetterState | str | None = DeadLetterState.OPEN,
    ) -> Sequence[Replay]:
        """`replay` of every letter that the filter means; without one, of all that are open."""
        found: list[Replay] = []
        for chunk in self._every(_filter(code, since, batch_id, agent_id, state)):
            found += self._replay(chunk)
        return found

    async def areplay_all(
        self,
        *,
        code: str | None = None,
        since: datetime | None = None,
        batch_id: str | None = None,
        agent_id: str | None = None,
        state: DeadLetterState | str | None = DeadLetterState.OPEN,
    ) -> Sequence[Replay]:
        """`replay_all` for async code."""
        call = partial(self.replay_all, code=code, since=since, batch_id=batch_id, agent_id=agent_id, state=state)
        return await asyncio.to_thread(call)

    def discard(self, letters: str | Sequence[str]) -> int:
        """Let letters go: they are kept, marked discarded. Returns how many were open. Raises LetterNotFound."""
        ids = [letters] if isinstance(letters, str) else list(dict.fromkeys(letters))
        self._known(ids)
        return sum(self._discard(chunk) for chunk in _chunks(ids))

    def discard_all(
        self,
        *,
        code: str | None = None,
        since: datetime | None = None,
        batch_id: str | None = None,
        agent_id: str | None = None,
    ) -> int:
        """`discard` of every open letter that the filter means; without one, of all."""
        wanted = _filter(code, since, batch_id, agent_id, DeadLetterState.OPEN)
        return sum(self._discard(chunk) for chunk in self._every(wanted))

    def assign(self, letter_id: str, *, assignee: str | None = None, note: str | None = None) -> DeadLetter:
        """Say who looks after a letter, or what is known about it. None leaves it as it is, "" takes it away."""
        require_text(assignee=assignee, note=note)
        given = {name: text or None for name, text in (("assignee", assignee), ("note", note)) if text is not None}
        self._known([letter_id])
        self._db.transact(lambda c: rows.annotate(c, letter_id, clock.now_ms(), **given))
        return self.get(letter_id)

    def _known(self, ids: Sequence[str]) -> dict[str, DeadLetter]:
        found: dict[str, DeadLetter] = {}
        with self._db.read() as connection:
            for chunk in _chunks(ids):
                found |= rows.load_letters(connection, chunk)
        for letter_id in ids:
            if letter_id not in found:
                raise LetterNotFound(f"there is no dead letter {letter_id!r} in {self._db.label}")
        return found

    def _every(self, wanted: LetterFilter) -> Iterator[Sequence[str]]:
        """Ids in chunks, as they are at the start: what fails again meanwhile is not taken a second time."""
        with self._db.read() as connection:
            newest = rows.find_letters(connection, wanted, limit=1)
        after, until = "", newest[0].id if newest else ""
        while True:
            with self._db.read() as connection:
                chunk = rows.letter_ids(connection, wanted, after=after, until=until, limit=_CHUNK)
            if not chunk:
                return
            yield chunk
            after = chunk[-1]

    def _replay(self, ids: Sequence[str]) -> Sequence[Replay]:
        now_ms = clock.now_ms()

        def commit(connection: sa.Connection) -> Sequence[Replay]:
            letters = rows.load_letters(connection, ids)
            found = [_replay_one(connection, letters[i], now_ms) for i in ids if i in letters]
            reach("replay.commit")
            return found

        replayed = self._db.transact(commit)
        reach("replay.committed")
        return replayed

    def _discard(self, ids: Sequence[str]) -> int:
        return self._db.transact(lambda c: rows.set_state(c, ids, DeadLetterState.DISCARDED, clock.now_ms()))


def _replay_one(connection: sa.Connection, letter: DeadLetter, now_ms: int) -> Replay:
    c = runs.c
    run = (
        connection.execute(
            sa.select(c.status, c.attempt, c.is_current).where(c.run_id == letter.run_id).with_for_update()
        )
        .mappings()
        .one()
    )
    outcome = Replay(letter_id=letter.id, run_id=letter.run_id, attempt=run["attempt"])
    problem = _went_on(letter, run) or _without_bytes(connection, letter)
    if problem is None and not try_again(connection, letter.run_id, letter.attempts, now_ms):
        problem = LetterOutdated(f"run {letter.run_id} was tried again by somebody else just now")
    if problem is not None:
        return replace(outcome, error=RunError(code=problem.code, message=problem.message))
    rows.mark_replayed(connection, letter.id, now_ms)
    return replace(outcome, attempt=letter.attempts + 1)


def _went_on(letter: DeadLetter, run: sa.RowMapping) -> NightdropError | None:
    status, attempt, is_current = run["status"], run["attempt"], run["is_current"]
    if attempt != letter.attempts or status not in ("ERROR", "CANCELLED"):
        return LetterOutdated(
            f"run {letter.run_id} has gone on since this letter: it is {status} at attempt {attempt}; "
            f"see `nightdrop runs show {letter.run_id}`"
        )
    if not is_current:
        return LetterOutdated(
            f"run {letter.run_id} was replaced by a newer run of its session, with another input or agent revision: "
            "that one counts"
        )
    return None


def _without_bytes(connection: sa.Connection, letter: DeadLetter) -> NightdropError | None:
    f = run_files.c
    lacking = connection.execute(
        sa.select(f.source, f.filename)
        .outerjoin(documents, documents.c.sha256 == f.sha256)
        .where(f.run_id == letter.run_id, documents.c.sha256.is_(None))
    ).first()
    if lacking is None:
        return None
    return LetterWithoutBytes(
        f"the store has no bytes of {lacking.source or lacking.filename or 'the document'} ({letter.code}): "
        "mend the file and hand it in again"
    )


def _filter(
    code: str | None,
    since: datetime | None,
    batch_id: str | None,
    agent_id: str | None,
    state: DeadLetterState | str | None,
) -> LetterFilter:
    named = None if state is None else DeadLetterState(state)
    return LetterFilter(code=code, since=since, batch_id=batch_id, agent_id=agent_id, state=named)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))
