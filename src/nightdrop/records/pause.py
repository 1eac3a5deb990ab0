"""A pause: the question that a run waits for, and the answers it has been given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What a paused run asks. data: what the question is about, as JSON data. step: the path of the workflow's step
    that asks, None in an agent's run."""

    question: str
    data: dict[str, Any] = field(default_factory=dict)
    step: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's shape."""
        return {"question": self.question, "data": self.data, "step": self.step}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Pause:
        """What `to_json` gave."""
        return cls(question=data["question"], data=data["data"], step=data.get("step"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to a pause, as JSON data. decided_at: milliseconds since 1970."""

    pause: Pause
    answer: Any
    decided_at: int

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {**self.pause.to_json(), "answer": self.answer, "decided_at": self.decided_at}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Decision:
        """What `to_json` gave."""
        return cls(pause=Pause.from_json(data), answer=data["answer"], decided_at=data["decided_at"])


def decisions_of(text: str | None) -> Sequence[Decision]:
    """The decisions in a row's JSON text, oldest first."""
    return [Decision.from_json(data) for data in json.loads(text or "[]")]
