"""HTTP errors in OpenAI's form, for the faults that are answered with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nightdrop.testing.faults import Fault, FaultKind
from nightdrop.testing.limits import retry_headers

_BROKEN = frozenset({FaultKind.RESET, FaultKind.RESET_AFTER, FaultKind.TIMEOUT})
_ERRORS: dict[str, tuple[int, str, str, str | None]] = {
    FaultKind.SERVER_ERROR: (500, "The server had an error while processing your request", "server_error", None),
    FaultKind.UNAVAILABLE: (503, "The engine is currently overloaded, please try again later", "server_error", None),
    FaultKind.OVERLOADED: (529, "Overloaded", "overloaded_error", None),
    FaultKind.RATE_LIMITED: (429, "Rate limit reached for requests", "requests", "rate_limit_exceeded"),
    FaultKind.UNAUTHORIZED: (401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    FaultKind.INSUFFICIENT_QUOTA: (
        429,
        "You exceeded your current quota, please check your plan and billing details",
        "insufficient_quota",
        "insufficient_quota",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRefusal:
    """An error answer."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def of(fault: Fault | None) -> HttpRefusal | None:
    """The HTTP error that this fault is; None when it shows in another way."""
    if fault is None or fault.kind not in _ERRORS:
        return None
    status, message, kind, code = _ERRORS[fault.kind]
    headers: dict[str, str] = {}
    if fault.kind == FaultKind.RATE_LIMITED or fault.seconds is not None:
        headers = retry_headers(1.0 if fault.seconds is None else fault.seconds)
    return HttpRefusal(status=status, body=body(message, kind, code), headers=headers)


def is_answered(fault: Fault) -> bool:
    """True when the client gets an answer of the model, good or bad."""
    return fault.kind not in _ERRORS and fault.kind not in _BROKEN


def body(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
