"""`/metrics`: for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from nightdrop import clock
from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.metrics import CONTENT_TYPE, render

router = APIRouter(tags=["health"])


@router.get("/metrics", operation_id="get_metrics", response_class=PlainTextResponse, responses=answers())
def metrics(service: Serving) -> PlainTextResponse:
    """Queue, ends, calls, cents, schedules: counted from the rows, for the whole database."""
    return PlainTextResponse(render(service.db, clock.now_ms()), media_type=CONTENT_TYPE)
