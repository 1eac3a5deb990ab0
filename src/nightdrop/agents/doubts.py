"""Which values of an answer a person should look at, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from nightdrop.agents.output_schema import OutputSchema
from nightdrop.agents.request import Answer
from nightdrop.reading.subschema import subschema
from nightdrop.records.check import Check
from nightdrop.records.doubt import Doubt
from nightdrop.records.field import FieldMatch, FieldResult
from nightdrop.records.review_policy import ReviewPolicy
from nightdrop.rules.paths import values_at

_SURE = 0.8  # of the labelled reader, whose cap is 0.85
_STANDS = (FieldMatch.EXACT, FieldMatch.NEAR)


def doubts_of(policy: ReviewPolicy, schema: OutputSchema, answer: Answer) -> list[Doubt]:
    """Every doubtful value, the costliest first; none: the answer is good enough."""
    reasons: dict[str, list[str]] = {}
    wrong = _wrong(answer.checks)
    for path, found in answer.fields.items():
        reason = _reason(policy, found, by_rule=path in wrong) or _reads_otherwise(answer, path)
        if reason is not None:
            reasons.setdefault(path, []).append(reason)
    if policy.rules:
        for path, messages in wrong.items():
            reasons.setdefault(path, []).extend(messages)
    kept = {path: said for path, said in reasons.items() if not path or policy.looks_at(path)}
    doubts = [_doubt(policy, schema, answer, path, said) for path, said in kept.items()]
    return sorted(doubts, key=lambda doubt: -doubt.risk)


def sampled(policy: ReviewPolicy, schema: OutputSchema, answer: Answer, run_id: str) -> Doubt | None:
    """The whole answer, if this run is one of the sample. The run's id decides, so that a replay decides alike."""
    drawn = int(hashlib.sha256(run_id.encode()).hexdigest()[:8], 16) / 2**32
    if drawn >= policy.sample:
        return None
    return _doubt(policy, schema, answer, "", [f"one of a sample of {policy.sample:.2%}"])


def _wrong(checks: Sequence[Check]) -> Mapping[str, list[str]]:
    """Path to what failed rules say of it."""
    wrong: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            for path in check.fields or ("",):
                wrong.setdefault(path, []).append(check.message or check.rule)
    return wrong


def _reason(policy: ReviewPolicy, found: FieldResult, *, by_rule: bool) -> str | None:
    if found.value is None:
        return None  # missing is not doubtful, unless a rule says so
    if found.confidence is None:
        return "there is no text to search it in" if found.match is FieldMatch.NO_TEXT else None
    if found.confidence >= policy.below or (by_rule and found.match in _STANDS):
        return None
    if found.match is FieldMatch.ABSENT:
        return "it stands nowhere in the documents"
    return f"its confidence is {found.confidence:.2f}"


def _reads_otherwise(answer: Answer, path: str) -> str | None:
    """The value stands in the document, but another one stands beside its label."""
    for other in answer.candidates.get(path, ()):
        if (other.confidence or 0) >= _SURE:
            return f"{other.value} stands beside its label"
    return None


def _doubt(policy: ReviewPolicy, schema: OutputSchema, answer: Answer, path: str, reasons: list[str]) -> Doubt:
    found = answer.fields.get(path)
    places = values_at(answer.content, path)
    return Doubt(
        path=path,
        reasons=tuple(dict.fromkeys(reasons)),
        value=places[0][1] if places else None,
        risk=policy.risk(path, None if found is None else found.confidence),
        schema=subschema(schema.content_schema or {}, path),
        found=found,
        candidates=answer.candidates.get(path, ()),
    )
