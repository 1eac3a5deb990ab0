"""The document's currency: named by a label or printed with its amounts; never assumed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightdrop.reading.found import Found
from nightdrop.reading.lines import Line
from nightdrop.reading.numbers import amounts_in, currency_codes_in, currency_of

_SPELLED = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), code)
    for words, code in (
        ("U\\.?S\\.? dollars?", "USD"),
        ("Canadian dollars?", "CAD"),
        ("Australian dollars?", "AUD"),
        ("pounds? sterling", "GBP"),
        ("Swiss francs?|Schweizer Franken|francs suisses", "CHF"),
        ("Indian rupees?", "INR"),
    )
)


def find_currency(lines: Sequence[Line], labelled: Sequence[Found]) -> Found | None:
    """The labelled currency, else the only one printed beside amounts, else the only code named anywhere."""
    if labelled:
        best = max(labelled, key=lambda found: found.confidence)
        return best.sure(0.85 if all(f.value == best.value for f in labelled) else 0.4)
    beside = [found for line in lines for found in _beside_amounts(line)]
    if beside:
        return _only(beside, 0.82)
    named = [_found(line, m.start(), m.end(), m[0]) for line in lines for m in currency_codes_in(line.text)]
    spelled = [
        _found(line, m.start(), m.end(), code)
        for line in lines
        for pattern, code in _SPELLED
        for m in pattern.finditer(line.text)
    ]
    return _only(named + spelled, 0.7)


def _beside_amounts(line: Line) -> list[Found]:
    return [
        _found(line, amount.start, amount.end, code)
        for amount in amounts_in(line.text)
        if (code := currency_of(amount.sign)) is not None
    ]


def _only(found: Sequence[Found], confidence: float) -> Found | None:
    """The value they all share; else the one that most of them share, with less certainty."""
    values = [one.value for one in found]
    if not values:
        return None
    best = max(set(values), key=values.count)
    share = values.count(best) / len(values)
    first = next(one for one in found if one.value == best)
    return first.sure(confidence if share == 1 else 0.6) if share >= 0.8 else None


def _found(line: Line, start: int, end: int, code: str) -> Found:
    return Found(value=code, confidence=0.0, evidence=line.text[start:end], page=line.page, bbox=line.box(start, end))
