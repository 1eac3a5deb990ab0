"""Office files for tests, written by python-docx, XlsxWriter, openpyxl and python-pptx; and hostile ones, by hand."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import docx
import openpyxl
import pptx
import xlsxwriter
from pptx.util import Inches

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
XLS = "application/vnd.ms-excel"

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(*blocks: str | Sequence[Sequence[str]], header: str = "", footer: str = "") -> bytes:
    """Paragraphs (strings) and tables (rows of cells)."""
    document = docx.Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
            continue
        table = document.add_table(rows=len(block), cols=len(block[0]))
        for row, texts in zip(table.rows, block, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    section = document.sections[0]
    if header:
        section.header.paragraphs[0].text = header
    if footer:
        section.footer.paragraphs[0].text = footer
    return saved(document.save)


def word_of(body: str) -> bytes:
    """A Word file whose body is this XML; w: and mc: are bound."""
    xml = (
        f'<w:document xmlns:w="{_W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<w:body>{body}</w:body></w:document>"
    )
    return with_part(word(), "word/document.xml", xml.encode())


def sheet(rows: Sequence[Sequence[Any]], name: str = "Sheet1") -> bytes:
    """A workbook of one sheet, by openpyxl."""
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(list(row))
    return saved(book.save)


def formatted(cells: Sequence[tuple[float, str]]) -> bytes:
    """A workbook with one column of numbers, each in its format, by XlsxWriter."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for row, (value, code) in enumerate(cells):
            page.write_number(row, 0, value, book.add_format({"num_format": code}))
    return out.getvalue()


def ods(*rows: Sequence[str]) -> bytes:
    """An OpenDocument spreadsheet of text cells, written out."""
    body = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in row)
        + "</table:table-row>"
        for row in rows
    )
    return ods_of(body)


def ods_of(rows: str) -> bytes:
    """An OpenDocument spreadsheet with these rows of XML."""
    kind = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{kind}:office:1.0" xmlns:table="{kind}:table:1.0"'
        f' xmlns:text="{kind}:text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Tabelle1">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), ODS)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{kind}:manifest:1.0"/>')
    return out.getvalue()


def slides(*texts: tuple[str, str], table: Sequence[Sequence[str]] = ()) -> bytes:
    """Slides of a title and a body; a table on the last one."""
    deck = pptx.Presentation()
    for title, body in texts:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    if table:
        last = deck.slides[len(deck.slides) - 1]
        size = (Inches(1), Inches(4), Inches(6), Inches(1))
        shape = last.shapes.add_table(len(table), len(table[0]), *size)
        for row, cells in enumerate(table):
            for column, text in enumerate(cells):
                shape.table.cell(row, column).text = text
    return saved(deck.save)


def with_part(content: bytes, name: str, data: bytes) -> bytes:
    """The same archive with one part replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, data)
    return out.getvalue()


def with_bomb(content: bytes, name: str, megabytes: int, opening: bytes, closing: bytes) -> bytes:
    """The same archive with one part that unpacks to so many MB of blanks."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        with new.open(name, "w") as part_file:
            part_file.write(opening)
            for _ in range(megabytes):
                part_file.write(b" " * 1024 * 1024)
            part_file.write(closing)
    return out.getvalue()


def understated(content: bytes, name: str, size: int) -> bytes:
    """The archive with a lie in its directory: this part is said to unpack to so few bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(name)
    true, said = info.file_size.to_bytes(4, "little"), size.to_bytes(4, "little")
    packed = info.compress_size.to_bytes(4, "little")
    assert packed + true in content
    return content.replace(packed + true, packed + said)


def saved(save: Callable[[Any], Any]) -> bytes:
    """What a library's save function writes."""
    out = io.BytesIO()
    save(out)
    return out.getvalue()


# An Excel 97 workbook, written once by xlwt 1.3.0: a sheet "Alt" with Invoice number X-77, Date 2026-01-31, Total 119.5
OLD_WORKBOOK = zlib.decompress(
    base64.b85decode(
        "c-rk)O=uHA6#izDG(WcaGZ9*$go4%91`!YSQrAkfcu1)tSc{-ZyNA-4NQi<Sv|4i%1VK=|6zaiC)r)`ipf?XfL=S=>Bzp8DD0pbIee<%"
        "5X^qf;7Ao^C^Ua$#Z)V=^{O!!!Qm8!psH1{a*aruyrWY-BIzho}CxW1S)0CnednlL+8wy?zb!3YR3vF-QvJYi{SD@jc^A$1hnZik&#c("
        "cb#MTi9*oTymJ`4~G+$D`4?d(;Ud7ODO^8>bg!MvX}*O>>%wk*a_(uaHZTBCSW>*72=WW7(g%tzMjMij5*D876{)NEZC%ul8=8!V&K*@"
        "`((hYlH8BQMhd+=CA|L5L@l@kFAG2zB-xewZ=fyFII4#*}`2^#Y{-xl-@`gWf}(xLSWxa{|*aPxB-xViTfHnd87<rm%=zkSQmRb{x*0&"
        "rOaSvFy1sX(La{(RhD9MTu0wZ~@11g;d5T7kOS3f-4q<Hl8f4#1jax9O5YxB(E0le|wiqkLagZGtC=8ZM)bey@QD>vIG_Oqvo50wC!cy"
        "$$XV--O6$YbA-k-#oZ%OOE@&cHrF_}o7&mKc&~4-lXs9@{CebRXYq^PL-PDk<zi(1gFcHc+P)^JynJTRC;G&l+Y--oI~LZ`@`<_qw`In"
        "o1ufrAYflVdNlq+6h`E-MUq@K>qJh0&ds*Wp&By+PajT@Uz1F~9V|#~XU;FwC&uN?1!gwq*Y0>)y9~2Z66ciK`6ciL1LRdfI4(pWQvVQ"
        "m7*1gUWg{rzH`EPL)IeH3os62=)#d%z4YW!@0OW1XZHI}jO3nh+I>v>Ee&3;TZJ$~u9ChFg3%>{#hZwfWrezh4t|8e`vL{8Qc"
    )
)


def old_office_file(*streams: str) -> bytes:
    """The signature of an old Office file, and the names of its streams as its directory has them."""
    names = b"".join(f"{name}\0".encode("utf-16-le").ljust(128, b"\0") for name in streams)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + names
