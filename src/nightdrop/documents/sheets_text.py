"""The text of a workbook, sheet by sheet, by python-calamine: rows of cells, dates as ISO dates, numbers unrounded."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import python_calamine

from nightdrop.documents import kinds
from nightdrop.documents.package import opened_package
from nightdrop.documents.sheet_formats import Cell, Format, formats_by_sheet
from nightdrop.errors import FileCorrupt, FileEncrypted

Value = str | float | datetime.date | datetime.time | datetime.timedelta  # float: int and bool too

_PLAIN = Format()
_EXACT = 1e15  # spreadsheets calculate with 15 digits: what comes after is noise
_WHOLE = 2.0**53


def read_sheets(content: bytes, mime_type: str) -> list[tuple[int, str, list[list[str]]]]:
    """Position (from 1), name and rows of every visible sheet that is not empty."""
    formats: dict[str, dict[Cell, Format]] = {}
    if mime_type != kinds.XLS:
        with opened_package(content) as package:
            package.check_xml_size()
            if mime_type == kinds.XLSX:
                formats = formats_by_sheet(package)
    found = []
    with _opened(content) as workbook:
        for number, sheet in enumerate(workbook.sheets_metadata, 1):
            if sheet.visible != python_calamine.SheetVisibleEnum.Visible:  # equal, in older versions not the same
                continue
            rows = _rows(workbook.get_sheet_by_name(sheet.name), formats.get(sheet.name, {}))
            if rows:
                found.append((number, sheet.name, rows))
    return found


def count_sheets(content: bytes) -> int:
    """How many sheets the workbook has, hidden and empty ones included."""
    with _opened(content) as workbook:
        return len(workbook.sheet_names)


@contextmanager
def _opened(content: bytes) -> Iterator[python_calamine.CalamineWorkbook]:
    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as workbook:
            yield workbook
    except python_calamine.PasswordError as error:
        raise FileEncrypted("the workbook is protected by a password: remove it before handing the file in") from error
    except python_calamine.CalamineError as error:
        raise FileCorrupt(f"the workbook is damaged and cannot be opened ({error})") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # how the library's Rust code fails on garbage; no Exception
            raise FileCorrupt("the workbook is damaged: its reader gave up") from error
        raise


def _rows(sheet: python_calamine.CalamineSheet, formats: Mapping[Cell, Format]) -> list[list[str]]:
    """Rows of cells without the empty ones at the end; empty rows and columns around the values are left out."""
    top, left = sheet.start or (0, 0)
    rows = []
    for number, row in enumerate(sheet.to_python(), top):
        cells = [_text(value, formats.get((number, column), _PLAIN)) for column, value in enumerate(row, left)]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append(cells)
    return rows


def _text(value: Value, shown: Format) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, shown)
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time()
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    return value.isoformat()


def _number(value: float, shown: Format) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    if abs(value) < _WHOLE and value == int(value):
        exact = Decimal(int(value))
    else:
        exact = Decimal(f"{value:.15g}" if abs(value) < _EXACT else repr(value))
    if shown.after == "%":
        exact *= 100
    text = f"{abs(exact):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "-" if exact < 0 else ""
    return f"{sign}{shown.before}{text}{shown.after}"
