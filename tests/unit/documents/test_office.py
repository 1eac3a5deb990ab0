"""The text of Office files: what a reader sees, in order, with numbers as they are."""

from __future__ import annotations

import datetime

import office_files
import openpyxl
import pytest
from office_files import DOCX, ODS, PPTX, XLS, XLSX

from nightdrop.documents.inspect import inspect
from nightdrop.documents.pages import from_json, read_pages, read_text


def text_of(content: bytes, mime_type: str) -> str:
    text = read_pages(content, mime_type)
    assert not text.has_boxes
    return "\n".join(page.text for page in text.pages)


def test_word_paragraphs_and_tables_in_order() -> None:
    content = office_files.word(
        "Rechnung",
        "Nr.:\t4711",
        [["Text", "Betrag"], ["Tee\nschwarz", "10,00"]],
        "Danke",
        header="ACME GmbH",
        footer="IBAN DE12",
    )
    assert text_of(content, DOCX) == (
        "ACME GmbH\nRechnung\nNr.:\t4711\nText\tBetrag\nTee\t10,00\nschwarz\nDanke\nIBAN DE12"
    )


def run(text: str, extra: str = "") -> str:
    return f"<w:r>{extra}<w:t xml:space='preserve'>{text}</w:t></w:r>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<w:p>{run('a')}<w:del>{run('b')}</w:del><w:ins>{run('c')}</w:ins></w:p>", "ac"),
        (f"<w:p>{run('a')}{run('b', '<w:rPr><w:vanish/></w:rPr>')}</w:p>", "a"),
        ("<w:p><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>a</w:t></w:r></w:p>", "a"),
        (f"<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:hyperlink>{run('link')}</w:hyperlink></w:p>", "link"),
        (f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{run('control')}</w:p></w:sdtContent></w:sdt>", "control"),
        ("<w:p><w:r><w:t>one</w:t><w:br/><w:t>two</w:t><w:noBreakHyphen/><w:t>3</w:t></w:r></w:p>", "one\ntwo-3"),
        (
            "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
            f"<w:p>{run('box')}</w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p>{run('box')}</w:p>"
            f"</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r>{run('around')}</w:p>",
            "around\nbox",
        ),
        (
            f"<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr><w:p>{run('wide')}</w:p></w:tc>"
            f"<w:tc><w:p>{run('c')}</w:p></w:tc></w:tr></w:tbl>",
            "wide\t\tc",
        ),
        (
            f"<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc><w:p>{run('in')}</w:p></w:tc><w:tc><w:p>{run('ner')}</w:p></w:tc>"
            f"</w:tr></w:tbl><w:p/></w:tc></w:tr></w:tbl>",
            "in   ner",
        ),
        ("", ""),
    ],
)
def test_what_a_reader_of_a_word_document_sees(body: str, expected: str) -> None:
    assert text_of(office_files.word_of(body), DOCX) == expected


def test_the_strict_variant_of_the_format() -> None:
    ordinary, strict = (
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    xml = f'<w:document xmlns:w="{ordinary}"><w:body><w:p>{run("a")}</w:p></w:body></w:document>'
    content = office_files.with_part(office_files.word(), "word/document.xml", xml.replace(ordinary, strict).encode())
    assert text_of(content, DOCX) == "a"


def test_sheets_have_names_iso_dates_and_unrounded_numbers() -> None:
    moment = datetime.datetime(2026, 1, 31, 10, 5)
    rows = [
        ["Nr", 4711, 0.1 + 0.2, 1234567.891, -0.005, True, "0042"],
        [datetime.date(2026, 1, 31), moment, datetime.time(3, 4), datetime.timedelta(hours=30)],
        [None, None, "two\nlines"],
    ]
    assert text_of(office_files.sheet(rows, "Januar"), XLSX) == (
        "Sheet: Januar\nNr\t4711\t0.3\t1234567.891\t-0.005\tTRUE\t0042\n"
        "2026-01-31\t2026-01-31 10:05:00\t03:04:00\t30:00:00\n\t\ttwo lines"
    )


def test_a_format_adds_its_currency_or_percent() -> None:
    cells = [
        (1234.5, '#,##0.00 "€"'),
        (1234.5, "[$$-409]#,##0.00"),
        (-5, '"CHF" 0.00'),
        (5.25, "_-* #,##0.00 [$€-407]_-;-* #,##0.00 [$€-407]_-"),
        (0.075, "0%"),
        (7, "0.00"),
        (3, '0 "kg"'),
        (46053, "yyyy-mm-dd"),
    ]
    assert text_of(office_files.formatted(cells), XLSX).split("\n")[1:] == [
        "1234.5 €",
        "$1234.5",
        "-CHF 5",
        "5.25 €",
        "7.5%",
        "7",
        "3",
        "2026-01-31",
    ]


def test_each_visible_sheet_is_a_page() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "first"
    hidden = book.create_sheet("Lists")
    hidden["A1"], hidden.sheet_state = "secret", "hidden"
    book.create_sheet("Empty")
    book.create_sheet("Last")["C3"] = 1
    pages = read_pages(office_files.saved(book.save), XLSX).pages
    assert [(page.number, page.text) for page in pages] == [(1, "Sheet: Sheet\nfirst"), (4, "Sheet: Last\n1")]


def test_other_spreadsheets() -> None:
    assert text_of(office_files.ods(["a", "b"], ["", "c"]), ODS) == "Sheet: Tabelle1\na\tb\n\tc"
    assert text_of(office_files.OLD_WORKBOOK, XLS) == "Sheet: Alt\nInvoice number\tX-77\nDate\t2026-01-31\nTotal\t119.5"


def test_slides() -> None:
    content = office_files.slides(("Title", "one\ntwo"), ("Costs", ""), table=[["Item", "Price"], ["Tea", "1.50"]])
    pages = read_pages(content, PPTX).pages
    assert [(page.number, page.text) for page in pages] == [
        (1, "Title\none\ntwo"),
        (2, "Costs\nItem\tPrice\nTea\t1.50"),
    ]


def test_words_stand_in_columns() -> None:
    content = office_files.word([["Item", "Price"], ["Black tea", "1.50"]])
    words = {word.text: word for word in read_pages(content, DOCX).pages[0].words}
    assert words["Price"].left == words["1.50"].left
    assert words["Item"].top == words["Price"].top < words["Black"].top
    assert words["1.50"].left - words["tea"].right > words["tea"].left - words["Black"].right


def test_json_and_back() -> None:
    content = office_files.slides(("a", "b"))
    assert from_json(read_text(content, {"mime_type": PPTX})) == read_pages(content, PPTX)


def test_pages_are_counted() -> None:
    assert inspect(office_files.word("a"), {"mime_type": DOCX}) == {"pages": 1}
    assert inspect(office_files.sheet([["a"]]), {"mime_type": XLSX}) == {"pages": 1}
    assert inspect(office_files.slides(("a", ""), ("b", "")), {"mime_type": PPTX}) == {"pages": 2}
    assert inspect(office_files.OLD_WORKBOOK, {"mime_type": XLS}) == {"pages": 1}
