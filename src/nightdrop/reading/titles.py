"""Number and date in a document's title: `Invoice No. 4711 of 3 May 2026`, `Facture n°562044387 du 02 Juillet 2015`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Found
from nightdrop.reading.lines import Line
from nightdrop.reading.words import plain

_KINDS = (
    r"(?:tax |credit |pro ?forma )?invoice|credit note|[^\W\d]*rechnung|[^\W\d]*rechnungskorrektur|gutschrift|facture|avoir"
    r"|factuur|creditnota|creditfactuur|factura|fattura|nota di credito|fatura|receipt|quittung|bill"
)
_MARK = r"(?:(?:nr|no|num|number|nummer|numero|n)\b\.?|n ?°|no?º|#|№)"
_TITLE = re.compile(
    rf"^\W*(?P<copy>\w+ )?(?:{_KINDS})(?P<kind> ?\(\d{{1,4}}\))?(?P<whose>(?: (?:des|der|du|de|van) \w+){{0,1}}(?: ?\(\d+\))?)"
    rf"[ \t:.,]*(?P<mark>{_MARK}[ \t:.#]*)(?P<number>[a-z0-9][\w\-./_]*)"
)
_SINCE = re.compile(r"^[\s,;\-–]*(?:vom|von|du|dated|date|of|from|am|van|del|dd\.?|d\.d\.)[:\s]+")
_DIRECT, _LOOSE, _DATED = 1.0, 0.8, 0.95


def read_titles(lines: Sequence[Line]) -> dict[str, list[Found]]:
    """Candidates for `invoice_number` and `date`; the number needs a mark such as No. or # before it."""
    found: dict[str, list[Found]] = {"invoice_number": [], "date": []}
    for line in lines:
        for start, end in line.cells:
            _read_title(line, start, end, found)
    return found


def _read_title(line: Line, start: int, end: int, found: dict[str, list[Found]]) -> None:
    text = line.text[start:end]
    folded = plain(text)
    if len(folded) != len(text):  # places would not be the same
        folded = text.lower()
    match = _TITLE.match(folded)
    if match is None or not any(c.isdigit() for c in match["number"]):
        return
    number = text[match.start("number") : match.end("number")].rstrip(".,-/")
    if next(dates_in(number), None) is not None:
        return
    begin = start + match.start("number")
    weight = _LOOSE if match["whose"] or match["copy"] else _DIRECT
    found["invoice_number"].append(_at(line, number, begin, begin + len(number), weight))
    after = begin + len(number)
    since = _SINCE.match(plain(line.text[after:]))
    date = next(dates_in(line.text[after:]), None)
    if since is not None and date is not None and date.other is None and date.start <= since.end() + 1:
        found["date"].append(
            Found(
                value=date.value,
                confidence=_DATED * weight,
                evidence=line.text[after + date.start : after + date.end],
                page=line.page,
                bbox=line.box(after + date.start, after + date.end),
            )
        )


def _at(line: Line, value: str, start: int, end: int, weight: float) -> Found:
    return Found(value=value, confidence=weight, evidence=value, page=line.page, bbox=line.box(start, end))
