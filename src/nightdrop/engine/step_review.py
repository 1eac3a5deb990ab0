"""Review of an agent's answer within a workflow: the step pauses, and its answer is what a person makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nightdrop.agents import AgentSpec, Answer, AnswerRequest, doubts_of, recheck
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import AnswerInvalid
from nightdrop.pausing import at_step, pause
from nightdrop.records.doubt import Doubt
from nightdrop.records.paths import with_value


async def reviewed_by_person(
    spec: AgentSpec, found: Answer, request: AnswerRequest, reader: ReaderPool, path: str
) -> Answer:
    """The answer, with the doubtful values as a person says. Raises PauseRequested until one has.

    The decision is a dict of corrected values by path, empty when all is right; what it does not name is accepted. One
    that does not fit the schema is asked for again.
    """
    doubts = [] if spec.review is None else doubts_of(spec.review, spec.schema, found)
    if not doubts:
        return found
    question, asked = "Which are the right values?", 1
    while True:
        with at_step(path):
            decision = pause(question, values=_values(doubts), reasons=_reasons(doubts), asked=asked)
        try:
            content = _corrected(spec, found, decision, {doubt.path for doubt in doubts})
        except (AnswerInvalid, KeyError) as invalid:
            why = invalid.message if isinstance(invalid, AnswerInvalid) else f"there is no place for {invalid}"
            question, asked = f"The correction does not fit: {why}", asked + 1
            continue
        checked = await recheck(spec, request, content, reader) if decision else found
        return replace(checked, fields=_marked(checked, doubts, decision))


def _values(doubts: Sequence[Doubt]) -> dict[str, Any]:
    return {doubt.path: doubt.value for doubt in doubts}


def _reasons(doubts: Sequence[Doubt]) -> dict[str, list[str]]:
    return {doubt.path: list(doubt.reasons) for doubt in doubts}


def _corrected(spec: AgentSpec, found: Answer, decision: Any, doubted: set[str]) -> Any:
    """The content with corrections, valid. Raises AnswerInvalid, KeyError."""
    if not isinstance(decision, dict):
        raise AnswerInvalid("give a dict of values by path, an empty one when all is right")
    content = found.content
    for path, value in sorted(decision.items()):
        if path not in doubted and not any(known == path or known.startswith(f"{path}.") for known in found.fields):
            raise KeyError(path)  # a schema may let unknown names pass: a typo must not
        content = with_value(content, path, value)
    return spec.schema.validate(content)


def _marked(found: Answer, doubts: Sequence[Doubt], decision: dict[str, Any]) -> dict[str, Any]:
    """The fields with what a person decided: nobody is surer."""
    marked = {doubt.path: "accepted" for doubt in doubts} | {path: "corrected" for path in decision}
    return {
        path: replace(field, confidence=1.0, reviewed=marked[path]) if path in marked else field
        for path, field in found.fields.items()
    }
