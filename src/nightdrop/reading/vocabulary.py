"""The words of the trade, from `vocabulary.toml`: what fields are called and what is printed before their values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

ValueKind = Literal["id", "date", "money", "number", "name", "text", "currency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One thing that an invoice states: its kind of value, what schema fields and printed labels call it."""

    key: str
    kind: ValueKind
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    vague: tuple[str, ...] = ()


def _concepts(part: dict[str, Any]) -> tuple[Concept, ...]:
    return tuple(
        Concept(
            key=key,
            kind=entry["kind"],
            names=tuple(entry["names"]),
            labels=tuple(entry.get("labels", ())),
            vague=tuple(entry.get("vague", ())),
        )
        for key, entry in part.items()
    )


_DATA = tomllib.loads(resources.files(__package__).joinpath("vocabulary.toml").read_text("utf-8"))
HEADER = _concepts(_DATA["header"])
LINE = _concepts(_DATA["line"])
LINES: tuple[str, ...] = tuple(_DATA["lines"])
