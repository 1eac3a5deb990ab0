"""`/reviews`: values that wait for a person, and what is decided of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from nightdrop.errors import UsageError
from nightdrop.http.caller import Caller
from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.http.shapes.review import AccuracyPage, DecisionMade, ReviewDecision, ReviewItem, ReviewPage
from nightdrop.http.shapes.text import Cursor, Limit, Text, Wanted
from nightdrop.records.review import Review, ReviewKind, ReviewState
from nightdrop.store import Database
from nightdrop.store.load import statuses

router = APIRouter(prefix="/reviews", tags=["reviews"])

State = Annotated[ReviewState | None, Query(description="Open ones when it is left out.")]


@router.get("", operation_id="list_reviews", response_model=ReviewPage, responses=answers(404))
def list_reviews(
    service: Serving,
    run_id: Wanted = None,
    agent_id: Wanted = None,
    field: Annotated[Text | None, Query(description="A path; * for any index.", max_length=1000)] = None,
    kind: ReviewKind | None = None,
    state: State = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Reviews, what an error would cost most first."""
    found = service.db.reviews.list(
        run_id=run_id,
        agent_id=agent_id,
        field=field,
        kind=kind,
        state=state or ReviewState.OPEN,
        after=cursor,
        limit=limit + 1,
    )
    return page_of(found, limit)


@router.get("/accuracy", operation_id="get_accuracy", response_model=AccuracyPage, responses=answers())
def get_accuracy(
    service: Serving,
    agent_id: Wanted = None,
    since: Annotated[AwareDatetime | None, Query(description="Decided from this time on.")] = None,
) -> dict[str, Any]:
    """How often each field was right, of what people have decided."""
    found = service.db.reviews.accuracy(agent_id=agent_id, since=since)
    return {"items": [row.to_json() for row in found], "next_cursor": None}


@router.get("/{review_id}", operation_id="get_review", response_model=ReviewItem, responses=answers(404))
def get_review(review_id: Text, service: Serving) -> dict[str, Any]:
    """One review."""
    return service.db.reviews.get(review_id).to_json()


@router.post(
    "/{review_id}/decision", operation_id="decide_review", response_model=DecisionMade, responses=answers(404, 409)
)
async def decide(review_id: Text, body: ReviewDecision, request: Request, service: Serving) -> dict[str, Any]:
    """Accept, correct or reject. Of two decisions at once one counts; the other is answered 409."""
    reviewer = _reviewer(body, request.state.caller)
    review = await asyncio.to_thread(partial(_decided, service.db, review_id, body, reviewer))
    (await service.engine()).wake()
    found = await service.aread(lambda c: statuses(c, [review.run_id]))
    return review.to_json() | {"run_status": found.get(review.run_id)}


def _decided(db: Database, review_id: str, body: ReviewDecision, reviewer: str) -> Review:
    if body.decision == "correct":
        if "value" not in body.model_fields_set:
            raise UsageError('a correction needs a value, {"value": null} for one that is not there')
        return db.reviews.correct(review_id, body.value, reviewer=reviewer, note=body.note)
    if "value" in body.model_fields_set:
        raise UsageError(f"value goes with the decision correct, not with {body.decision}")
    decide = db.reviews.accept if body.decision == "accept" else db.reviews.reject
    return decide(review_id, reviewer=reviewer, note=body.note)


def _reviewer(body: ReviewDecision, caller: Caller) -> str:
    """A token's holder may say who it is, but not whose token it is."""
    if body.reviewer is None or caller.token is None:
        return body.reviewer or caller.name
    return f"{body.reviewer} ({caller.name})"
