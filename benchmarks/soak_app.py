"""The agent of benchmarks/soak.py, and its documents: SOAK_PLACE names the database."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at

MESSAGE = "Extract this invoice."
REFUSED_EVERY = 40  # the provider refuses every so many-th document for good


class Paid(BaseModel):
    """What is asked for."""

    invoice_number: str
    total: Decimal


if "SOAK_PLACE" in os.environ:
    agent = Agent(
        id="soak",
        model="openai-chat:gpt-4o-mini",
        output_schema=Paid,
        retries=8,
        db=database_at(os.environ["SOAK_PLACE"]),
    )


@cache
def _page() -> bytes:
    from nightdrop.demo.samples import all_samples

    return next(s.content for s in all_samples() if s.name == "INV-20418.pdf")


def document(seed: int, number: int) -> bytes:
    """A real PDF, another one for each seed and number."""
    return _page() + b"\n%% soak %d %d\n" % (seed, number)


def is_refused(number: int) -> bool:
    """Whether the provider refuses this document."""
    return number % REFUSED_EVERY == 7


def lines(journal: Path) -> list[dict[str, object]]:
    """The journal; a line that was being written at a kill is none."""
    if not journal.exists():
        return []
    whole = journal.read_text().split("\n")[:-1]
    return [json.loads(line) for line in whole]
