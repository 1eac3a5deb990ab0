"""The demo's samples are what they promise: real, readable, refused where they must be, and always the same."""

from __future__ import annotations

import datetime
import io
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from lxml import etree
from pypdfium2.raw import FPDF_ERR_FORMAT, FPDF_ERR_PASSWORD

from nightdrop.demo.samples import Sample, all_samples, write_samples
from nightdrop.demo.samples.british import CONFIDENTIAL
from nightdrop.demo.samples.catalogue import PASSWORD
from nightdrop.demo.samples.factur_x import BILL, XML_NAME
from nightdrop.demo.samples.notation import MONTHS
from nightdrop.errors import every_error
from nightdrop.schemas import Invoice

SAMPLES = all_samples()
READ = [sample for sample in SAMPLES if sample.error is None]
REFUSED = [sample for sample in SAMPLES if sample.error is not None]
HEADER = set(Invoice.model_fields) - {"lines"}


def pages_of(sample: Sample) -> list[str]:
    if sample.name.endswith(".txt"):
        return [sample.content.decode("utf-8")]
    return pdf_pages(sample.content)


def pdf_pages(content: bytes, password: str | None = None) -> list[str]:
    document = pypdfium2.PdfDocument(content, password=password)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def spellings(field: str, value: str) -> set[str]:
    """The ways in which a document of any of our countries may write this value."""
    if field in {"date", "due_date"}:
        day = datetime.date.fromisoformat(value)
        numeric = {f"{day:%m/%d/%Y}", f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day:%d-%m-%Y}"}
        return numeric | {f"{day.day} {MONTHS[day.month - 1]} {day.year}"}
    if field in {"net", "tax", "total", "due"}:
        english = f"{Decimal(value):,.2f}"
        return {english} | {english.translate(str.maketrans(",.", mark + ",")) for mark in ". "}
    if field == "currency":
        return {value, {"USD": "$", "GBP": "£", "EUR": "€"}[value]}
    return {value}


def by_name(part: str) -> Sample:
    return next(sample for sample in SAMPLES if part in sample.name)


def test_there_are_twelve_with_twelve_names() -> None:
    assert len(SAMPLES) == 12
    assert len({sample.name for sample in SAMPLES}) == 12
    assert any(not sample.name.isascii() for sample in SAMPLES)


def test_the_bytes_are_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 86_400 * 40
    monkeypatch.setattr(time, "time", lambda: later)
    assert [sample.content for sample in all_samples()] == [sample.content for sample in SAMPLES]


def test_the_attachment_carries_no_time_of_its_own() -> None:
    document = pypdfium2.PdfDocument(by_name("factur-x").content)
    assert document.get_attachment(0).get_str_value("CreationDate") == "D:20260303000000Z"
    document.close()


@pytest.mark.parametrize("sample", READ, ids=lambda sample: sample.name)
def test_expected_values_fit_the_schema(sample: Sample) -> None:
    assert sample.expected is not None
    assert set(sample.expected) == HEADER
    invoice = Invoice.model_validate(dict(sample.expected))
    assert invoice.model_dump(mode="json", exclude={"lines"}) == dict(sample.expected)
    assert invoice.net is not None
    assert invoice.tax is not None
    assert invoice.net + invoice.tax == invoice.total


@pytest.mark.parametrize("sample", READ, ids=lambda sample: sample.name)
def test_expected_values_are_printed(sample: Sample) -> None:
    text = " ".join(" ".join(pages_of(sample)).replace("\u00a0", " ").split())
    printed: dict[str, Any] = {field: value for field, value in (sample.expected or {}).items() if value is not None}
    missing = {field: value for field, value in printed.items() if not any(s in text for s in spellings(field, value))}
    assert missing == {}


@pytest.mark.parametrize("sample", READ, ids=lambda sample: sample.name)
def test_nothing_is_drawn_beyond_the_page(sample: Sample) -> None:
    if sample.name.endswith(".txt"):
        pytest.skip("a text has no page")
    document = pypdfium2.PdfDocument(sample.content)
    for page in document:
        width, height = page.get_size()
        text = page.get_textpage()
        for index in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(index)
            assert left >= 0
            assert right <= width
            assert bottom >= 0
            assert top <= height
    document.close()


def test_one_invoice_runs_over_two_pages() -> None:
    counts = Counter(len(pages_of(sample)) for sample in READ)
    assert counts == {1: 9, 2: 1}
    first, second = pages_of(by_name("Factuur"))
    assert "Transport naar pagina 2" in first
    assert "Te betalen" not in first
    assert "Te betalen" in second


def test_the_receipt_is_narrow() -> None:
    document = pypdfium2.PdfDocument(by_name("receipt").content)
    width, height = document[0].get_size()
    assert width < 230 < height
    document.close()


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_refused_samples_cannot_be_opened(sample: Sample) -> None:
    assert sample.content.startswith(b"%PDF-")
    assert sample.expected is None
    assert sample.error in {kind.code for kind in every_error()}
    with pytest.raises(pypdfium2.PdfiumError) as refusal:
        pypdfium2.PdfDocument(sample.content)
    reason = {"pdf_corrupt": FPDF_ERR_FORMAT, "pdf_encrypted": FPDF_ERR_PASSWORD}[sample.error]
    assert refusal.value.err_code == reason


def test_both_refusals_are_there() -> None:
    assert {sample.error for sample in REFUSED} == {"pdf_corrupt", "pdf_encrypted"}


def test_the_protected_one_opens_with_its_password() -> None:
    (text,) = pdf_pages(by_name("CONFIDENTIAL").content, PASSWORD)
    assert CONFIDENTIAL.number in text


def test_one_is_a_copy() -> None:
    (copy,) = [sample for sample in SAMPLES if sample.duplicate_of is not None]
    original = next(sample for sample in SAMPLES if sample.name == copy.duplicate_of)
    assert copy.content == original.content
    assert copy.expected == original.expected
    assert len({sample.content for sample in SAMPLES}) == 11


def test_the_embedded_xml_says_what_the_page_says() -> None:
    sample = by_name("factur-x")
    document = pypdfium2.PdfDocument(sample.content)
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == XML_NAME
    root = etree.parse(io.BytesIO(bytes(attachment.get_data()))).getroot()
    document.close()
    spaces = {prefix: space for prefix, space in root.nsmap.items() if prefix}

    def value(path: str) -> str:
        (found,) = root.xpath(f"{path}/text()", namespaces=spaces)
        return str(found)

    sums = "//ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
    found = {
        "invoice_number": value("rsm:ExchangedDocument/ram:ID"),
        "date": iso(value("rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString")),
        "due_date": iso(value("//ram:DueDateDateTime/udt:DateTimeString")),
        "currency": value("//ram:InvoiceCurrencyCode"),
        "seller": value("//ram:SellerTradeParty/ram:Name"),
        "buyer": value("//ram:BuyerTradeParty/ram:Name"),
        "net": value(f"{sums}TaxBasisTotalAmount"),
        "tax": value(f"{sums}TaxTotalAmount"),
        "total": value(f"{sums}GrandTotalAmount"),
        "due": value(f"{sums}DuePayableAmount"),
    }
    assert found == sample.expected
    amounts = root.xpath("//ram:LineTotalAmount/text()", namespaces=spaces)
    assert [Decimal(amount) for amount in amounts] == [*(item.amount for item in BILL.items), BILL.net]
    profile = value("rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID")
    assert profile == "urn:cen.eu:en16931:2017"


def iso(compact: str) -> str:
    return datetime.datetime.strptime(compact, "%Y%m%d").date().isoformat()


def test_writing_twice_leaves_the_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "inbox" / "samples"
    written = write_samples(folder)
    assert written == SAMPLES
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {s.name: s.content for s in SAMPLES}
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_samples(folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_writing_repairs_what_differs(tmp_path: Path) -> None:
    write_samples(tmp_path)
    changed, gone = tmp_path / SAMPLES[0].name, tmp_path / SAMPLES[1].name
    changed.write_bytes(b"not it")
    gone.unlink()
    (tmp_path / "mine.pdf").write_bytes(b"stays")
    write_samples(tmp_path)
    assert changed.read_bytes() == SAMPLES[0].content
    assert gone.read_bytes() == SAMPLES[1].content
    assert (tmp_path / "mine.pdf").read_bytes() == b"stays"
