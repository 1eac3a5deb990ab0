"""Errors as answers: RFC 9457 problem+json with the project's own codes, from one table."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nightdrop.errors import (
    MediaTypeUnsupported,
    MethodNotAllowed,
    NightdropError,
    RequestTooLarge,
    RouteNotFound,
    UsageError,
    every_error,
)
from nightdrop.http.shapes.problem import Problem
from nightdrop.records.run import RunOutput, RunStatus

log = logging.getLogger("nightdrop.http")

MEDIA_TYPE = "application/problem+json"
_BY_STATUS: Mapping[int, type[UsageError]] = {
    404: RouteNotFound,
    405: MethodNotAllowed,
    413: RequestTooLarge,
    415: MediaTypeUnsupported,
}
_CONFLICT = 409
_UNAUTHORIZED = 401


def answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: these statuses are problems."""
    return {code: {"model": Problem, "description": "A problem."} for code in sorted({*codes, 401, 403, 422, 429, 503})}


def problem(error: NightdropError, *, status: int | None = None, **more: Any) -> JSONResponse:
    """The answer for an error. more: members beside the usual ones."""
    kind = _kinds().get(error.code, type(error))
    number = kind.http_status if status is None else status
    body = {
        "type": f"urn:nightdrop:error:{error.code}",
        "title": inspect.cleandoc(kind.__doc__ or "").split("\n")[0],
        "status": number,
        "code": error.code,
        "detail": error.message,
        "retryable": kind.retryable,
    }
    retry_after = getattr(error, "retry_after", None)
    headers: dict[str, str] = {} if retry_after is None else {"Retry-After": str(max(1, round(retry_after)))}
    if number == _UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({**body, **more}, number, headers, media_type=MEDIA_TYPE)


def run_problem(run: RunOutput) -> JSONResponse:
    """The answer for a run that somebody waited for and that ended in ERROR or CANCELLED."""
    if run.status is RunStatus.CANCELLED:
        error = NightdropError("the run was cancelled", code="cancelled")
        return problem(error, status=_CONFLICT, run=run.to_json())
    assert run.error is not None
    error = NightdropError(run.error.message, code=run.error.code)
    return problem(error, run=run.to_json(), retryable=run.error.retryable)


def handle_errors(app: FastAPI) -> None:
    """Answer every error of this app as a problem."""
    app.add_exception_handler(NightdropError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


def wrong_parts(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """pydantic's list of errors as a problem's `errors`."""
    return [{"where": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"])} for one in found]


def invalid(found: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """The answer for a request whose parts are wrong."""
    parts = wrong_parts(found)
    said = "; ".join(f"{part['where']}: {part['message']}" for part in parts[:5])
    return problem(UsageError(said or None), errors=parts)


def _kinds() -> dict[str, type[NightdropError]]:
    return {kind.code: kind for kind in every_error()}


def _own(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NightdropError)
    if type(error).http_status >= 500:
        log.error("%s", error)
    return problem(error)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return invalid(error.errors())


def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, UsageError)
    said = {RouteNotFound: f"there is no route {request.url.path}", MethodNotAllowed: f"{request.method} is not taken"}
    answer = problem(kind(said.get(kind, str(error.detail))))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(NightdropError("something unexpected happened; the service's log says what"))
