"""The text of a Word document in reading order: headers, paragraphs, tables, text boxes, footnotes, footers.

Read from its XML: what a reader sees. Hidden, deleted and field-code text is left out; text boxes, content controls
and inserted text are in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from nightdrop.documents.grid import GAP, Table
from nightdrop.documents.package import Package

_MARKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_UNSEEN = frozenset({"pPr", "rPr", "instrText", "del", "delText", "moveFrom", "Fallback", "rubyPr", "rt", "sdtPr"})
_SEPARATORS = frozenset({"separator", "continuationSeparator"})
_OFF = frozenset({"0", "false", "off"})


def read_word(package: Package) -> list[Table]:
    """The document's tables in order, a paragraph being a table of one cell (or more, where it has tabs)."""
    main = package.main_part()
    body = package.xml(main).find("{*}body")
    if body is None:
        return []
    parts = {relation.id: relation.target for relation in package.related(main)}
    kinds = {relation.kind: relation.target for relation in package.related(main)}
    found = _margins(package, body, parts, "headerReference")
    found += _tables(body)
    for kind in ("footnotes", "endnotes"):
        if kind in kinds:
            found += _notes(package.xml(kinds[kind]))
    return found + _margins(package, body, parts, "footerReference")


def _margins(package: Package, body: etree._Element, parts: dict[str, str], kind: str) -> list[Table]:
    """Headers or footers of all sections, each text once; a first page's own only where the section has one."""
    found: list[Table] = []
    for section in body.iter("{*}sectPr"):
        for reference in section.iterfind("{*}" + kind):
            which = _attribute(reference, "type")
            if which == "even" or (which == "first" and section.find("{*}titlePg") is None):
                continue
            target = parts.get(_attribute(reference, "id"))
            if target is not None:
                found += [table for table in _tables(package.xml(target)) if table not in found]
    return found


def _notes(root: etree._Element) -> list[Table]:
    notes = (note for note in root if isinstance(note.tag, str) and _attribute(note, "type") not in _SEPARATORS)
    return [table for note in notes for table in _tables(note)]


def _tables(parent: etree._Element) -> list[Table]:
    """The blocks of a body, cell, header or note. Neighbouring paragraphs with tabs are rows of one table."""
    found: list[Table] = []
    tabbed: list[list[str]] = []
    for row in _blocks(parent):
        if isinstance(row, list) and len(row) > 1:
            tabbed.append(row)
            continue
        if tabbed:
            found.append(tabbed)
            tabbed = []
        found.append([row] if isinstance(row, list) else row.rows)
    if tabbed:
        found.append(tabbed)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    rows: list[list[str]]


def _blocks(parent: etree._Element) -> Iterator[list[str] | _Grid]:
    """Paragraphs as lists of cells, tables as grids; content controls and the like are looked through."""
    for element in parent:
        name = _name(element)
        if name == "p":
            yield from _paragraph(element)
        elif name == "tbl":
            yield _Grid(rows=[_row(row) for row in _inside(element, "tr")])
        elif name and name not in _UNSEEN:
            yield from _blocks(element)


def _row(row: etree._Element) -> list[str]:
    cells: list[str] = []
    for cell in _inside(row, "tc"):
        cells.append("\n".join(_cell_lines(cell)))
        span = cell.find("{*}tcPr/{*}gridSpan")
        width = _attribute(span, "val") if span is not None else ""
        cells += [""] * (min(int(width), 64) - 1 if width.isascii() and width.isdigit() else 0)
    return cells


def _cell_lines(cell: etree._Element) -> Iterator[str]:
    for block in _blocks(cell):
        for row in [block] if isinstance(block, list) else block.rows:
            line = GAP.join(part for part in row if part)
            if line:
                yield line


def _inside(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    """Rows of a table or cells of a row, also where a content control or a revision wraps them."""
    for element in parent:
        inner = _name(element)
        if inner == name:
            if name != "tr" or element.find("{*}trPr/{*}del") is None:
                yield element
        elif inner in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _inside(element, name)


@dataclass(slots=True, kw_only=True)
class _Line:
    """A paragraph being read: its text, and the text boxes that hang on it."""

    parts: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)


def _paragraph(element: etree._Element) -> Iterator[list[str] | _Grid]:
    line = _Line()
    _collect(element, line)
    for text in "".join(line.parts).split("\n"):
        cells = [" ".join(cell.split()) for cell in text.strip().split("\t")]
        if any(cells):
            yield cells
    for box in line.boxes:
        yield from _blocks(box)


def _collect(parent: Iterable[etree._Element], line: _Line) -> None:
    for element in parent:
        name = _name(element)
        if name == "t":
            line.parts.append(element.text or "")
        elif name in _MARKS:
            line.parts.append(_MARKS[name])
        elif name == "txbxContent":
            line.boxes.append(element)
        elif name and name not in _UNSEEN and not (name == "r" and _is_hidden(element)):
            _collect(element, line)


def _is_hidden(run: etree._Element) -> bool:
    mark = run.find("{*}rPr/{*}vanish")
    return mark is not None and _attribute(mark, "val") not in _OFF


def _attribute(element: etree._Element, name: str) -> str:
    """An attribute whatever its namespace: the strict variant of the format has another one."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def _name(element: etree._Element) -> str:
    """The tag without its namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
