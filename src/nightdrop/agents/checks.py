"""Checking an answer by its agent's validators: plain functions, and declarative rules."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nightdrop.agents.spec import AgentSpec, qualified_name
from nightdrop.reading.confidence import RULE_FAILED
from nightdrop.records.check import Check
from nightdrop.records.field import FieldResult
from nightdrop.rules import Failed, Rule

log = logging.getLogger("nightdrop.agents")

Validator = Rule | Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the validators say. complaint: what to send back to the model, None when nothing is worth that."""

    checks: tuple[Check, ...] = ()
    complaint: str | None = None


async def judged(spec: AgentSpec, content: Any) -> Verdict:
    """Every validator over valid content, in order. A plain function gets it as an instance of the output schema, in
    a thread of its own, and a copy of its own."""
    checks: list[Check] = []
    complaints: list[str] = []
    for validator in spec.validators:
        name = qualified_name(validator)
        failures = await _failures(spec, validator, content)
        if not failures:
            checks.append(Check(rule=name, passed=True))
        asks = isinstance(validator, Rule) and validator.ask_again
        for failed in failures:
            checks.append(Check(rule=name, passed=False, message=failed.message, fields=failed.fields))
            complaints += [failed.message] if asks or failed.ask_again else []
    return Verdict(checks=tuple(checks), complaint=_complaint(complaints))


def doubted(fields: Mapping[str, FieldResult], checks: Sequence[Check]) -> dict[str, FieldResult]:
    """The fields with less confidence in those that a failed rule is about."""
    wrong = {path for check in checks if not check.passed for path in check.fields}
    return {
        path: replace(found, confidence=min(RULE_FAILED, RULE_FAILED if found.confidence is None else found.confidence))
        if path in wrong
        else found
        for path, found in fields.items()
    }


def _complaint(messages: Sequence[str]) -> str | None:
    if not messages:
        return None
    said = "\n".join(f"- {message}" for message in messages)
    return f"The answer is valid, but does not agree with itself or with what is known:\n{said}"


async def _failures(spec: AgentSpec, validator: Validator, content: Any) -> list[Failed]:
    try:
        if isinstance(validator, Rule):
            return list(await asyncio.to_thread(_list_of, validator, content))
        found = await asyncio.to_thread(validator, spec.schema.load(content))
        return _told(validator, await found if inspect.isawaitable(found) else found)
    except Failed as failed:
        return [failed]
    except (ValueError, AssertionError) as error:
        return [Failed(str(error) or type(error).__name__)]
    except Exception as error:
        log.exception("the validator %s broke", qualified_name(validator))
        return [Failed(f"it could not be checked: {type(error).__name__}: {error}")]


def _list_of(rule: Rule, content: Any) -> list[Failed]:
    return list(rule.test(content))


def _told(validator: Callable[[Any], Any], found: Any) -> list[Failed]:
    """What a function returned: nothing or True is right, False is wrong, text says what is; or a list of failures."""
    if found is None or found is True:
        return []
    if found is False:
        return [Failed(f"{qualified_name(validator)} says no")]
    told: Iterable[Any] = found if isinstance(found, Iterable) and not isinstance(found, str) else [found]
    return [one if isinstance(one, Failed) else Failed(str(one)) for one in told]
