"""What tests of reviews share: a letter, a schema whose class knows more than it says, and agents with a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from nightdrop import Agent, File, Review, ReviewPolicy
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider

MODEL = "openai-chat:gpt-4o-mini"
TEXT = b"Invoice number: R-7\nDate: 2026-03-01\nNet 100.00 EUR\nTax 19.00 EUR\nTotal: 119.00 EUR\n"
FILES = [File(content=TEXT, filename="a.txt")]
RIGHT: dict[str, Any] = {"number": "R-7", "net": "100.00", "tax": "19.00", "total": "119.00", "seller": None}
Answers = dict[str, Any]


class Bill(BaseModel):
    """An invoice whose class knows more than its schema."""

    number: str
    net: str
    tax: str
    total: str
    seller: str | None = None

    @field_validator("number")
    @classmethod
    def is_ours(cls, number: str) -> str:
        """Only numbers of our own."""
        if not number.startswith("R-"):
            raise ValueError("not one of our numbers")
        return number


def saying(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A model that says what the test wants."""
    with SimulatedProvider(answers=lambda _: answers) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def agents(db: Database) -> Callable[..., Agent]:
    """Makes agents with a review policy."""

    def agent(name: str, policy: ReviewPolicy | None = None, **options: Any) -> Agent:
        return Agent(id=name, model=MODEL, output_schema=Bill, db=db, review=policy or ReviewPolicy(), **options)

    return agent


def open_reviews(agent: Agent) -> list[Review]:
    assert agent.db is not None
    return list(agent.db.reviews.list(agent_id=agent.id))
