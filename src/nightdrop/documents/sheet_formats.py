"""What a workbook's number formats add to its numbers: a currency before or after, a percentage.

Values come from python-calamine, which does not tell formats; an amount without its currency says too little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nightdrop.documents.package import Package
from nightdrop.errors import DocumentTooComplex

Cell = tuple[int, int]  # row and column, from 0

_MOST_CELLS = 5_000_000  # of the rectangle around a sheet's values: the library holds it whole
_VALUED = re.compile(rb"<(?:\w+:)?c\s([^<>]*[^<>/])>")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_STYLE = re.compile(rb"\bs=[\"'](\d{1,6})[\"']")
_BRACKETED = re.compile(r"\[\$([^\]\-]+)(?:-[0-9A-Fa-f]+)?\]")
_BARE = re.compile(r"[€$£¥₹₽₺₩₪₫฿₴₦]|\"\s*((?:[A-Z]{3})|kr\.?|zł|Kč|Ft|R\$|lei|лв\.?)\s*\"")
_DIGIT = re.compile(r"[0#?]")
_PERCENT_IDS = ("9", "10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What stands around the number."""

    before: str = ""
    after: str = ""


def formats_by_sheet(package: Package) -> dict[str, dict[Cell, Format]]:
    """For each sheet of an XLSX file, the cells whose format adds something. DocumentTooComplex for a vast sheet."""
    main = package.main_part()
    parts = {relation.id: relation for relation in package.related(main)}
    styles = next((relation.target for relation in parts.values() if relation.kind == "styles"), None)
    formats = _formats(package, styles) if styles is not None else {}
    found: dict[str, dict[Cell, Format]] = {}
    for sheet in package.xml(main).iterfind("{*}sheets/{*}sheet"):
        relation = parts.get(next((value for key, value in sheet.items() if key.endswith("}id")), ""))
        if relation is not None and relation.kind == "worksheet":
            name = sheet.get("name", "")
            found[name] = _styled(package.read(relation.target), formats, name)
    return found


def _styled(xml: bytes, formats: dict[bytes, Format], name: str) -> dict[Cell, Format]:
    found: dict[Cell, Format] = {}
    rows, columns = 0, 0
    for match in _VALUED.finditer(xml):
        place = _PLACE.search(match[1])
        if place is None:
            continue
        row, column = int(place[2]), _column(place[1])
        rows, columns = max(rows, row), max(columns, column)
        style = _STYLE.search(match[1]) if formats else None
        if style is not None and style[1] in formats:
            found[row - 1, column - 1] = formats[style[1]]
    if rows * columns > _MOST_CELLS:
        raise DocumentTooComplex(f"the sheet {name!r} spans {rows} rows and {columns} columns")
    return found


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _formats(package: Package, part: str) -> dict[bytes, Format]:
    """By the index that cells use."""
    root = package.xml(part)
    codes = {item.get("numFmtId", ""): item.get("formatCode", "") for item in root.iterfind("{*}numFmts/{*}numFmt")}
    found: dict[bytes, Format] = {}
    for index, style in enumerate(root.iterfind("{*}cellXfs/{*}xf")):
        id = style.get("numFmtId", "")
        shown = _format("0%" if id in _PERCENT_IDS else codes.get(id, ""))
        if shown is not None:
            found[b"%d" % index] = shown
    return found


def _format(code: str) -> Format | None:
    """The first section of a format code: that of positive numbers."""
    code = code.partition(";")[0]
    digit = _DIGIT.search(code)
    if digit is None:
        return None
    if "%" in code:
        return Format(after="%")
    match = _BRACKETED.search(code) or _BARE.search(code)
    if match is None:
        return None
    symbol = (match[1] or match[0]).strip()
    if match.start() > digit.start():
        return Format(after=f" {symbol}")
    return Format(before=f"{symbol} " if symbol[-1:].isalpha() else symbol)
