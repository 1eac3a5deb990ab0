"""Comparing what came out of the demo with what must come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from nightdrop.demo.samples import Sample

SURE = 0.8
"""Values at or above this confidence must be right; below it they say themselves that they are doubtful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the demo ended. surprises: every difference from what was expected, in words; empty when all is well."""

    right: int
    missed: int
    doubtful: int
    surprises: Sequence[str]


def judge(samples: Iterable[Sample], rows: Iterable[dict[str, Any]]) -> Outcome:
    """Each readable sample is COMPLETED without a sure wrong value, each bad one has its code, a duplicate no row."""
    by_name = {Path(row["file"]).name: row for row in rows}
    right = missed = doubtful = 0
    surprises: list[str] = []
    families: dict[str, set[str]] = {}
    for sample in samples:
        families.setdefault(sample.duplicate_of or sample.name, set()).add(sample.name)
    for sample in samples:
        if sample.duplicate_of is not None:
            continue
        found = [by_name[name] for name in families[sample.name] if name in by_name]
        if len(found) != 1:
            surprises.append(f"{sample.name}: {len(found)} result rows instead of 1")
            continue
        row = found[0]
        code = None if row["error"] is None else row["error"]["code"]
        if code != sample.error:
            surprises.append(f"{sample.name}: {code or 'COMPLETED'} instead of {sample.error or 'COMPLETED'}")
        for name, value in (sample.expected or {}).items() if code is None else ():
            verdict = _verdict(value, (row["content"] or {}).get(name), row["fields"].get(name) or {})
            right += verdict == "right"
            missed += verdict == "missed"
            doubtful += verdict == "doubtful"
            if verdict == "wrong":
                surprises.append(f"{sample.name}: {name} is {row['content'][name]!r} instead of {value!r}")
    return Outcome(right=right, missed=missed, doubtful=doubtful, surprises=surprises)


def _verdict(expected: Any, found: Any, field: dict[str, Any]) -> str:
    if _same(expected, found):
        return "right"
    if found is None:
        return "missed"
    confidence = field.get("confidence")
    return "doubtful" if confidence is not None and confidence < SURE else "wrong"


def _same(expected: Any, found: Any) -> bool:
    if expected is None or found is None:
        return expected is found
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return " ".join(str(expected).split()) == " ".join(str(found).split())
