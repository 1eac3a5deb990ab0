"""Names of seller and buyer: what stands beside or under a label such as `Bill to`, or heads a sender line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nightdrop.reading.found import Found
from nightdrop.reading.labels import Label
from nightdrop.reading.lines import GAP, Line
from nightdrop.reading.words import plain, words_with_places

_ROWS, _HEIGHTS = 7, 9.0
_ALIGNED = 12.0  # points by which a block may be set in or out from its heading
_LABELLED, _UNDER, _SENDER = 0.75, 0.7, 0.65
_NAME_LABELS = frozenset(
    {"name", "firma", "company", "company name", "nom", "naam", "nombre", "nome", "ragione sociale"}
)
_NOT_NAMES = re.compile(
    r"^(?:gln|nummer|number|no|nr|id|globale nummer|kunden-?nr|lief-?nr|attn|att|c/o|z\. ?hd|t\.a\.v)\b", re.IGNORECASE
)
_SALUTATIONS = frozenset(
    {"herr", "herrn", "frau", "firma", "mr", "mrs", "ms", "m", "mme", "monsieur", "madame", "dhr", "mevr"}
)
_Below = tuple[Line, int, int]
_PARAGRAPH = 1.35  # times the step between the lines before
_FOLLOWS = 3.5  # times a line's height, from top to top
_SEPARATED = re.compile(r"\s+[-–—●•·|∙▪*]\s+|\s*[●•·|∙]\s*")
_ZIP = re.compile(r"(?<!\d)(?:[A-Z]{1,2}-)?\d{4,5}(?!\d)")


def find_party(key: str, lines: Sequence[Line], labels: Sequence[Label]) -> Found | None:
    """The party's name as written; None when labels disagree about it or there are none."""
    options = [f for label in labels if label.key == key for f in _at_label(label, lines, labels)]
    if not options and key == "seller":
        options = list(_sender_lines(lines))
    if not options:
        return None
    best = max(options, key=lambda found: found.confidence)
    agreeing = [f for f in options if plain(str(f.value)) == plain(str(best.value))]
    return best if len(agreeing) == len(options) else best.sure(best.confidence * (0.75 if len(agreeing) > 1 else 0.7))


def _at_label(label: Label, lines: Sequence[Line], labels: Sequence[Label]) -> Iterator[Found]:
    line = lines[label.line]
    cell = line.cell_at(label.start)
    rest = line.text[label.end : cell[1]]
    if label.weight < 1.0 and label.start > cell[0]:
        return  # `... the buyer ...` in a sentence
    if rest.lstrip(" :.-").strip():
        if ":" in rest[:3]:
            yield from _named(line, cell[1] - len(rest.lstrip(" :.-")), cell[1], _LABELLED * label.weight)
        return
    beside = _next_cell(line, cell, labels, label.line)
    if beside is not None and ":" in rest:
        yield from _named(line, *beside, _LABELLED * label.weight)
        return
    yield from _under(label, lines, labels)


def _under(label: Label, lines: Sequence[Line], labels: Sequence[Label]) -> Iterator[Found]:
    """The first line of the block below the heading, or what stands at `Name:` in it."""
    head = lines[label.line]
    left, top, _, bottom = head.box(label.start, label.end)
    for number in range(label.line + 1, min(label.line + 1 + _ROWS, len(lines))):
        line = lines[number]
        if line.page != head.page or line.top - bottom > _HEIGHTS * (bottom - top):
            return
        cell = next((c for c in line.cells if abs(line.box(*c)[0] - left) < _ALIGNED), None)
        if cell is None:
            continue
        text = line.text[cell[0] : cell[1]]
        name, colon, rest = text.partition(":")
        if colon and plain(name).strip() in _NAME_LABELS:
            yield from _at_name_label(lines, number, cell, len(text) - len(rest.lstrip()), label.weight)
            return
        if colon or _NOT_NAMES.match(text):
            continue
        if any(o.line == number and cell[0] <= o.start < cell[1] for o in labels):
            return
        yield from _block_name(lines, number, cell, _UNDER * label.weight)
        return


def _block_name(lines: Sequence[Line], number: int, cell: tuple[int, int], confidence: float) -> Iterator[Found]:
    """The first line of an address; with the second after a salutation, or when a gap sets both off as the name."""
    first = next(_named(lines[number], *cell, confidence), None)
    if first is None or first.bbox is None:
        return
    column = list(_column_below(lines, number, first.bbox[0]))
    second = next(_named(*column[0], confidence), None) if column else None
    is_salutation = plain(str(first.value)).strip(". ") in _SALUTATIONS
    is_set_off = len(column) > 1 and any(c.isdigit() for c in _text(column[1])) and _widens(lines[number], column)
    if second is not None and (is_salutation or (is_set_off and not any(c.isdigit() for c in str(second.value)))):
        yield _joined(first, second)
    else:
        yield first


def _column_below(lines: Sequence[Line], number: int, left: float) -> Iterator[_Below]:
    """The next cells at the same left edge, as long as they follow closely."""
    above = lines[number]
    for line in lines[number + 1 : number + 4]:
        cell = next((c for c in line.cells if abs(line.box(*c)[0] - left) < 2.0), None)
        if line.page != above.page or line.top - above.top > _FOLLOWS * _height(line):
            return
        if cell is not None:
            yield line, *cell
            above = line


def _widens(first: Line, column: Sequence[_Below]) -> bool:
    """The step to the third line is wider than the one to the second: a new paragraph."""
    return column[1][0].top - column[0][0].top > _PARAGRAPH * (column[0][0].top - first.top)


def _text(below: _Below) -> str:
    return below[0].text[below[1] : below[2]]


def _joined(upper: Found, lower: Found) -> Found:
    a, b = upper.bbox or (0.0, 0.0, 0.0, 0.0), lower.bbox or (0.0, 0.0, 0.0, 0.0)
    return Found(
        value=f"{upper.value}\n{lower.value}",
        confidence=lower.confidence,
        evidence=f"{upper.evidence}\n{lower.evidence}",
        page=lower.page,
        bbox=(min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])),
    )


def _at_name_label(
    lines: Sequence[Line], number: int, cell: tuple[int, int], offset: int, weight: float
) -> Iterator[Found]:
    """The value at `Name:`, with a first line that is set just above it in the same column."""
    line = lines[number]
    if offset < cell[1] - cell[0]:
        yield from _named(line, cell[0] + offset, cell[1], _LABELLED * weight)
        return
    after = next((c for c in line.cells if c[0] > cell[1]), None)
    if after is None:
        return
    found = next(_named(line, *after, _LABELLED * weight), None)
    if found is None:
        return
    above = lines[number - 1]
    left = line.box(*after)[0]
    is_close = line.top - above.top < 1.4 * _height(line)
    if len(above.cells) == 1 and abs(above.words[0].left - left) < 2.0 and is_close:
        upper = next(_named(above, *above.cells[0], found.confidence), None)
        found = found if upper is None else _joined(upper, found)
    yield found


def _sender_lines(lines: Sequence[Line]) -> Iterator[Found]:
    """`Name - Street - Postcode Town` in one line: the sender above an address window, or a letterhead.

    What begins with a label (`Bank: ...`) says something else.
    """
    for line in lines:
        for start, end in line.cells:
            parts = _SEPARATED.split(line.text[start:end])
            if len(parts) < 3 or ":" in parts[0] or _ZIP.search(parts[0]):
                continue
            if _ZIP.search(" ".join(parts[1:])):
                yield from _named(line, start, start + len(parts[0]), _SENDER)


def _named(line: Line, start: int, end: int, confidence: float) -> Iterator[Found]:
    text = line.text[start:end].strip()
    if text.endswith((",", ";", ":")):
        text = text.rstrip(" ,;:")
    letters = sum(c.isalpha() for c in text)
    if GAP in text or letters < 2 or letters < 0.5 * len(text.replace(" ", "")) or len(text) > 80:
        return
    if len(words_with_places(text)) > 9:
        return
    begin = line.text.index(text, start)
    yield Found(
        value=text, confidence=confidence, evidence=text, page=line.page, bbox=line.box(begin, begin + len(text))
    )


def _next_cell(line: Line, cell: tuple[int, int], labels: Sequence[Label], number: int) -> tuple[int, int] | None:
    after = next((c for c in line.cells if c[0] > cell[1]), None)
    if after is None or any(o.line == number and after[0] <= o.start < after[1] for o in labels):
        return None
    return after


def _height(line: Line) -> float:
    return max(word.bottom - word.top for word in line.words)
