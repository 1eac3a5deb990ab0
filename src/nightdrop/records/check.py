"""A check: what one rule said of an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule over one answer; a rule that failed in several places gives one for each.

    message: what is wrong, None when it passed. fields: the dotted paths it is about; none: the answer as a whole.
    """

    rule: str
    passed: bool
    message: str | None = None
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plain form that is stored and answered."""
        return {"rule": self.rule, "passed": self.passed, "message": self.message, "fields": list(self.fields)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Check:
        """What `to_json` gave."""
        return cls(rule=data["rule"], passed=data["passed"], message=data["message"], fields=tuple(data["fields"]))


def checks_of(text: str | None) -> tuple[Check, ...]:
    """The checks in a row's JSON text."""
    return tuple(Check.from_json(data) for data in json.loads(text or "[]"))


def checks_text(checks: tuple[Check, ...]) -> str | None:
    """Checks as a row keeps them; None for none."""
    return json.dumps([check.to_json() for check in checks], ensure_ascii=False) if checks else None
