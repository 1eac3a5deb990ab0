"""`/dead-letters`: what could not be processed, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from nightdrop.errors import UsageError
from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.service import Service, Serving
from nightdrop.http.shapes.letter import Discarded, Letter, LetterCare, LetterChoice, LetterPage, Replayed
from nightdrop.http.shapes.text import Cursor, Limit, Text, Wanted
from nightdrop.records.dead_letter import DeadLetterState, Replay

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])

Since = Annotated[AwareDatetime | None, Query(description="From this time on.")]


@router.get("", operation_id="list_dead_letters", response_model=LetterPage, responses=answers())
def list_letters(
    service: Serving,
    code: Wanted = None,
    batch_id: Wanted = None,
    agent_id: Wanted = None,
    since: Since = None,
    state: Annotated[DeadLetterState | None, Query(description="All states when it is left out.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Dead letters, newest first."""
    found = service.db.dead_letters.list(
        code=code,
        since=since,
        batch_id=batch_id,
        agent_id=agent_id,
        state=state,
        before=cursor,
        limit=limit + 1,
    )
    return page_of(found, limit)


@router.get("/{letter_id}", operation_id="get_dead_letter", response_model=Letter, responses=answers(404))
def get_letter(letter_id: Text, service: Serving) -> dict[str, Any]:
    """One dead letter."""
    return service.db.dead_letters.get(letter_id).to_json()


@router.post("/replay", operation_id="replay_dead_letters", response_model=Replayed, responses=answers())
async def replay_chosen(body: LetterChoice, service: Serving) -> dict[str, Any]:
    """Try the runs of all open letters again that the filter means."""
    found = await service.db.dead_letters.areplay_all(**_meant(body))
    return await _replayed(service, list(found))


@router.post(
    "/{letter_id}/replay", operation_id="replay_dead_letter", response_model=Replayed, responses=answers(404, 409)
)
async def replay_one(letter_id: Text, service: Serving) -> dict[str, Any]:
    """Try the run of a letter again."""
    return await _replayed(service, list(await service.db.dead_letters.areplay(letter_id)))


@router.post("/discard", operation_id="discard_dead_letters", responses=answers())
def discard_chosen(body: LetterChoice, service: Serving) -> Discarded:
    """Let all open letters go that the filter means: they are kept, marked discarded."""
    return Discarded(discarded=service.db.dead_letters.discard_all(**_meant(body)))


@router.post("/{letter_id}/discard", operation_id="discard_dead_letter", responses=answers(404))
def discard_one(letter_id: Text, service: Serving) -> Discarded:
    """Let a letter go."""
    return Discarded(discarded=service.db.dead_letters.discard(letter_id))


@router.post("/{letter_id}/assign", operation_id="assign_dead_letter", response_model=Letter, responses=answers(404))
def assign(letter_id: Text, body: LetterCare, service: Serving) -> dict[str, Any]:
    """Give a letter to somebody, or note something on it."""
    given = body.model_dump()
    return service.db.dead_letters.assign(letter_id, **given).to_json()


def _meant(body: LetterChoice) -> dict[str, Any]:
    filtered = body.model_dump(exclude={"all"})
    if any(value is not None for value in filtered.values()) == body.all:
        raise UsageError('say which letters are meant with code, since, batch_id or agent_id, or {"all": true}')
    return filtered


async def _replayed(service: Service, found: list[Replay]) -> dict[str, Any]:
    (await service.engine()).wake()
    queued = sum(outcome.error is None for outcome in found)
    return {"replayed": queued, "items": [outcome.to_json() for outcome in found]}
