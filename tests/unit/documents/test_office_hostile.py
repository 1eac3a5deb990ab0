"""Damaged and hostile Office files end as typed errors, and take neither time nor memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import office_files
import pytest
from office_files import DOCX, ODS, PPTX, XLS, XLSX

from nightdrop.documents.inspect import inspect
from nightdrop.documents.pages import read_pages
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import DocumentTooComplex, FileCorrupt, FileEncrypted, InputError

DOCUMENT, SHEET = "word/document.xml", "xl/worksheets/sheet1.xml"
LAUGHS = "".join(
    f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)
)  # a billion of what is under it
MAKERS = {
    DOCX: lambda: office_files.word("a"),
    XLSX: lambda: office_files.sheet([["a"]]),
    PPTX: lambda: office_files.slides(("a", "b")),
    ODS: lambda: office_files.ods(["a"]),
    XLS: lambda: office_files.OLD_WORKBOOK,
}


@pytest.mark.parametrize(("mime_type", "make"), MAKERS.items())
@pytest.mark.parametrize("task", [lambda c, m: read_pages(c, m), lambda c, m: inspect(c, {"mime_type": m})])
def test_a_file_that_was_cut_off(
    mime_type: str, make: Callable[[], bytes], task: Callable[[bytes, str], object]
) -> None:
    content = make()
    with pytest.raises(FileCorrupt, match="damaged"):
        task(content[: len(content) // 2] if mime_type != XLS else content[:520], mime_type)


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (office_files.with_part(office_files.word(), DOCUMENT, b"<w:document>"), DOCX),
        (office_files.with_part(office_files.word(), "_rels/.rels", b"<Relationships/>"), DOCX),
        (office_files.with_part(office_files.slides(("a", "")), "ppt/_rels/presentation.xml.rels", b"<R/>"), PPTX),
        (office_files.with_part(office_files.sheet([["a"]]), "xl/styles.xml", b"<"), XLSX),
        (office_files.with_part(office_files.sheet([["a"]]), "xl/workbook.xml", b"<"), XLSX),
    ],
)
def test_a_damaged_part(content: bytes, mime_type: str) -> None:
    with pytest.raises(FileCorrupt):
        read_pages(content, mime_type)


@pytest.mark.parametrize(("make", "part", "mime_type"), [("word", DOCUMENT, DOCX), ("sheet", SHEET, XLSX)])
def test_a_bomb_is_not_unpacked(make: str, part: str, mime_type: str) -> None:
    content = office_files.word() if make == "word" else office_files.sheet([["a"]])
    bomb = office_files.with_bomb(content, part, 300, b"<a>", b"</a>")
    assert len(bomb) < 400_000
    with pytest.raises(DocumentTooComplex, match="unpacks to more than 256 MB"):
        read_pages(bomb, mime_type)
    with pytest.raises(FileCorrupt, match="cannot be unpacked"):
        read_pages(office_files.understated(bomb, part, 1000), mime_type)


@pytest.mark.parametrize(
    "xml",
    [
        f'<!DOCTYPE d [<!ENTITY a "lol">{LAUGHS}]><d>&j;</d>',
        f'<!DOCTYPE d [<!ENTITY a "lol">{LAUGHS}]><d x="&j;"/>',
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/d.dtd"><d/>',
    ],
)
def test_entities_are_neither_expanded_nor_followed(xml: str) -> None:
    with pytest.raises(FileCorrupt):
        read_pages(office_files.with_part(office_files.word(), DOCUMENT, xml.encode()), DOCX)


def test_a_deep_document() -> None:
    with pytest.raises(DocumentTooComplex, match="nested too deeply"):
        read_pages(office_files.word_of("<w:sdt>" * 5000 + "</w:sdt>" * 5000), DOCX)


def test_too_many_parts() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"word/{number}", b"")
    with pytest.raises(DocumentTooComplex, match="more than 10000 parts"):
        read_pages(out.getvalue(), DOCX)


def far_cell(place: str, quote: str = '"') -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    xml = (
        f'<worksheet xmlns="{space}"><sheetData><row><c r="A1"><v>1</v></c></row>'
        f"<row><c r={quote}{place}{quote}><v>2</v></c></row></sheetData></worksheet>"
    )
    return office_files.with_part(office_files.sheet([["a"]]), SHEET, xml.encode())


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_vast_sheet(quote: str) -> None:
    with pytest.raises(DocumentTooComplex, match="'Sheet1' spans 1048576 rows and 16384 columns"):
        read_pages(far_cell("XFD1048576", quote), XLSX)


def test_a_stray_cell_is_read() -> None:
    assert read_pages(far_cell("B99999"), XLSX).pages[0].text == "Sheet: Sheet1\n1\n\t2"


def test_a_part_under_a_password() -> None:
    """The flag of encryption stands in the archive's directory, 8 bytes after its entry's signature."""
    content = bytearray(office_files.with_part(office_files.word(), DOCUMENT, b"<a/>"))
    start = 0
    while (start := content.find(b"PK\x01\x02", start + 1)) > 0:
        content[start + 8] |= 1
    with pytest.raises(FileEncrypted, match="password"):
        read_pages(bytes(content), DOCX)


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(1, timeout_seconds=20, memory_mb=600) as pool:
        yield pool


def test_a_spreadsheet_that_repeats_a_cell_a_billion_times(pool: ReaderPool) -> None:
    """python-calamine ends the process when memory ends: the pool makes a typed error of it."""
    content = office_files.ods_of(
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string"'
        ' table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
    )
    with pytest.raises(InputError):
        pool.submit("nightdrop.documents.pages:read_text", content, {"mime_type": ODS}).result(60)


def test_errors_keep_their_type_across_the_process(pool: ReaderPool) -> None:
    with pytest.raises(FileCorrupt):
        pool.submit("nightdrop.documents.inspect:inspect", b"PK\x03\x04", {"mime_type": DOCX}).result(60)
