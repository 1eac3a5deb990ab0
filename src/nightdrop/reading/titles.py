"""Number and date in a document's title: `Invoice No. 4711 of 3 May 2026`, `Facture n°562044387 du 02 Juillet 2015`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Found
from nightdrop.reading.lines import Line
from nightdrop.reading.words import plain

_KINDS = (
    r"(?:tax |credit |pro ?forma )?invoice|credit note|receipt|bill|[^\W\d]*rechnung|[^\W\d]*rechnungskorrektur"
    r"|gutschrift|quittung|facture|avoir|factuur|creditnota|creditfactuur|factura|fattura|nota di credito|fatura"
)
_MARK = r"(?:(?:nr|no|num|number|nummer|numero|n)\b\.?|n ?°|no?º|#|№)"
_WHOSE = r"(?: (?:(?:des|der|du|de|van) )?[^\W\d]+)??(?: ?\(\d+\))?"
_OTHERS = (
    "bestell",
    "auftrag",
    "order",
    "liefer",
    "kunden",
    "customer",
    "client",
    "commande",
    "klant",
    "vertrag",
    "contract",
)
_TITLE = re.compile(
    rf"^\W*(?P<copy>\w+ )?(?:{_KINDS})(?: ?\(\d{{1,4}}\))?(?P<whose>{_WHOSE})[ \t:.,]*"
    rf"(?P<mark>{_MARK}[ \t:.#]*)(?P<number>[a-z0-9][\w\-./_]*)"
)
_SINCE = re.compile(r"^[\s,;\-–]*(?:vom|von|du|dated|date|of|from|am|van|del|dd\.?|d\.d\.)(?:[:\s]+|$)")
_DIRECT, _LOOSE, _DATED = 1.0, 0.8, 0.95


def read_titles(lines: Sequence[Line]) -> dict[str, list[Found]]:
    """Candidates for `invoice_number` and `date`; the number needs a mark such as No. or # before it."""
    found: dict[str, list[Found]] = {"invoice_number": [], "date": []}
    for index, line in enumerate(lines):
        for start, end in line.cells:
            _read_title(lines[index : index + 2], start, end, found)
    return found


def _read_title(lines: Sequence[Line], start: int, end: int, found: dict[str, list[Found]]) -> None:
    """Reads a cell of the first line; the date may stand at the start of the next one."""
    line = lines[0]
    text = line.text[start:end]
    folded = plain(text)
    if len(folded) != len(text):  # places would not be the same
        folded = text.lower()
    match = _TITLE.match(folded)
    if match is None or not any(c.isdigit() for c in match["number"]) or any(o in match["whose"] for o in _OTHERS):
        return
    number = text[match.start("number") : match.end("number")].rstrip(".,-/")
    if next(dates_in(number), None) is not None:
        return
    begin = start + match.start("number")
    weight = _LOOSE if match["whose"] or match["copy"] else _DIRECT
    found["invoice_number"].append(_at(line, number, begin, begin + len(number), weight))
    after = begin + len(number)
    since = _SINCE.match(plain(line.text[after:]))
    if since is None:
        return
    after += since.end()
    if not line.text[after:].strip() and len(lines) > 1:
        line, after = lines[1], 0
    date = next(dates_in(line.text[after:]), None)
    if date is not None and date.other is None and date.start == 0:
        evidence = line.text[after : after + date.end]
        found["date"].append(
            Found(
                value=date.value,
                confidence=_DATED * weight,
                evidence=evidence,
                page=line.page,
                bbox=line.box(after, after + date.end),
            )
        )


def _at(line: Line, value: str, start: int, end: int, weight: float) -> Found:
    return Found(value=value, confidence=weight, evidence=value, page=line.page, bbox=line.box(start, end))
