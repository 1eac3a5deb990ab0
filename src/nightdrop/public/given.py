"""What an Agent was made with: wrong arguments are refused where they are given, before anything runs."""

from __future__ import annotations

from typing import Any

from nightdrop.agents import AgentSpec
from nightdrop.errors import UsageError
from nightdrop.records.budget import Budget
from nightdrop.records.rate_limit import RateLimit
from nightdrop.records.review_policy import ReviewPolicy
from nightdrop.rules import Rule
from nightdrop.store import Database


def check_given(spec: AgentSpec, db: Any) -> None:
    """Raises UsageError for an argument that cannot be meant."""
    if spec.is_local and spec.schema.json_schema is None:
        raise UsageError('model="local" fills a schema: give output_schema=, such as nightdrop.schemas.Invoice')
    if spec.is_local and spec.tools:
        raise UsageError('model="local" calls no tools: leave tools= out, or name a model that does')
    if db is not None and not isinstance(db, Database):
        raise UsageError(f"db={db!r} is not a database: give db=SqliteDb({str(db)!r})")
    if spec.long_documents not in ("split", "refuse"):
        raise UsageError(f"long_documents={spec.long_documents!r}: choose 'split' or 'refuse'")
    if spec.retries < 0:
        raise UsageError(f"retries={spec.retries}: give 0 or more")
    _check_values(spec)


def _check_values(spec: AgentSpec) -> None:
    if spec.limits is not None and not isinstance(spec.limits, RateLimit):
        raise UsageError(f"limits={spec.limits!r}: give a RateLimit, such as RateLimit(requests_per_minute=600)")
    if spec.budget is not None and not isinstance(spec.budget, Budget):
        raise UsageError(f'budget={spec.budget!r}: give a Budget, such as Budget(per_day="20.00")')
    if spec.review is not None and not isinstance(spec.review, ReviewPolicy):
        raise UsageError(f"review={spec.review!r}: give a ReviewPolicy, such as ReviewPolicy(below=0.6)")
    given = spec.validators
    if not isinstance(given, tuple) or not all(isinstance(v, Rule) or callable(v) for v in given):
        raise UsageError(f"validators={given!r}: give a list of rules (nightdrop.rules) and functions")
