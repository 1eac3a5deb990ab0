"""Which scope a request needs, in one table; what is in none of its lines needs admin."""

from __future__ import annotations

import re

from nightdrop.records.token import Scope

LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})

_RUN = re.compile(
    r"/(agents|workflows)/[^/]+/runs(/[^/]+/(cancel|continue|retry))?"
    r"|/batches(/[^/]+/(cancel|resume|documents|close))?"
    r"|/dead-letters(/[^/]+)?/(replay|discard|assign)"
    r"|/schedules/[^/]+/trigger"
)
_REVIEW = re.compile(r"/reviews/[^/]+/decision")


def scope_of(method: str, path: str) -> Scope:
    """What a token must allow for this."""
    if method in LOOKING:
        return Scope.READ
    if method == "POST" and _RUN.fullmatch(path):
        return Scope.RUN
    if method == "POST" and _REVIEW.fullmatch(path):
        return Scope.REVIEW
    return Scope.ADMIN
