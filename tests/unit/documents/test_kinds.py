"""The kind of a file is what its bytes say; name and declared type may only agree."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import office_files
import pytest

from nightdrop.documents import heic
from nightdrop.documents.kinds import check
from nightdrop.errors import FileEmpty, FileEncrypted, FileTooLarge, FileTypeMismatch, FileTypeUnsupported

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
TIFF = b"II*\x00\x08\x00\x00\x00"
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x08\x00[Content_Types].xml"
EML = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: hi\r\nMIME-Version: 1.0\r\n\r\nHello"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00"


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


def tarred() -> bytes:
    return tarfile.TarInfo("a.pdf").tobuf() + bytes(1024)


DOCX = zipped("[Content_Types].xml", "word/document.xml", "word/embeddings/sheet.xlsx")
XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
PPTX = zipped("[Content_Types].xml", "ppt/slides/slide1.xml")
ODS = office_files.ods(["a"])
XLS = office_files.OLD_WORKBOOK
ole = office_files.old_office_file


def kind(content: bytes, filename: str | None = None, mime_type: str | None = None) -> str:
    return check(content, filename=filename, mime_type=mime_type, max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("content", "filename", "mime_type", "expected"),
    [
        (PDF, "a.pdf", None, "application/pdf"),
        (PDF, "A.PDF", "application/pdf; charset=binary", "application/pdf"),
        (PDF, None, None, "application/pdf"),
        (PDF, "scan.2026-01-31", "application/octet-stream", "application/pdf"),
        (b"\xef\xbb\xbfjunk\n" + PDF, "a.pdf", "application/x-pdf", "application/pdf"),
        (PNG, "a.png", None, "image/png"),
        (JPEG, "a.jpg", "image/jpg", "image/jpeg"),
        (TIFF, "a.tif", None, "image/tiff"),
        (b"MM\x00*\x00\x00\x00\x08", None, None, "image/tiff"),
        (b"Hello", "a.txt", None, "text/plain"),
        (b"Hello", None, None, "text/plain"),
        (b"Hello", "README", None, "text/plain"),
        (b"# Title", "a.md", None, "text/plain"),
        ("Grüße".encode("latin-1"), "a.txt", None, "text/plain"),
        ("Grüße €".encode("utf-16"), "a.txt", None, "text/plain"),
        (b"a;b\n1;2\n", "a.csv", None, "text/csv"),
        (b"a;b\n1;2\n", "a.csv", "application/vnd.ms-excel", "text/csv"),
        (b"a;b\n1;2\n", None, "text/csv", "text/csv"),
        (b"a;b\n1;2\n", "a.csv", "text/plain", "text/csv"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "a.html", None, "text/html"),
        (b"<p>only a fragment</p>", "a.html", None, "text/html"),
        (b"no tags at all", "a.htm", None, "text/html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Invoice/>", "a.xml", None, "application/xml"),
        (b"<Invoice/>", None, "text/xml", "application/xml"),
        (b"<?xml version='1.0'?><html/>", "a.xhtml", None, "text/html"),
        (b"<a/>", "a.txt", None, "text/plain"),
        (EML, "a.eml", None, "message/rfc822"),
        (EML, None, None, "message/rfc822"),
        (EML, "a.txt", None, "text/plain"),
        (b"Received: by x\r\n\r\nHi", "a.eml", None, "message/rfc822"),
        (b"Subject: dear all", "a.unknown", None, "text/plain"),
        (b"how to write %PDF- headers", "a.txt", None, "text/plain"),
        (DOCX, "a.docx", None, office_files.DOCX),
        (DOCX, None, office_files.DOCX, office_files.DOCX),
        (DOCX, None, "application/octet-stream", office_files.DOCX),
        (DOCX[:-30], "a.docx", None, office_files.DOCX),  # cut off: its reader says that it is damaged
        (XLSX, "a.xlsx", "application/vnd.ms-excel", office_files.XLSX),
        (XLSX, "a.xls", None, office_files.XLSX),
        (PPTX, "a.PPTX", None, office_files.PPTX),
        (ODS, "a.ods", None, office_files.ODS),
        (XLS, "a.xls", "application/vnd.ms-excel", office_files.XLS),
        (XLS, None, None, office_files.XLS),
        (ole("WordDocument", "Workbook"), "a.xls", None, office_files.XLS),
    ],
)
def test_kinds(content: bytes, filename: str | None, mime_type: str | None, expected: str) -> None:
    assert kind(content, filename, mime_type) == expected


@pytest.mark.parametrize(
    ("content", "filename", "mime_type"),
    [
        (JPEG, "x.pdf", None),
        (PDF, "x.txt", None),
        (PDF, "x.docx", None),
        (PDF, None, "image/png"),
        (ZIP, "x.pdf", None),
        (b"Hello", "x.pdf", None),
        (b"Hello", "x.png", None),
        (b"Hello", "x.xml", None),
        (b"Hello", "x.docx", None),
        (b"no header here", "x.eml", None),
        (b"<!doctype html><html>Not found</html>", "x.csv", None),
        (b"<!doctype html><html>Not found</html>", "x.pdf", None),
        (PNG, "x.jpg", None),
        (DOCX, "x.xlsx", None),
        (DOCX, "x.pdf", None),
        (DOCX, "x.zip", None),
        (XLSX, "x.docx", None),
        (PPTX, None, office_files.DOCX),
        (XLS, "x.doc", None),
        (b"\x00\x01\x02\x03", "x.txt", None),
    ],
)
def test_contradictions(content: bytes, filename: str | None, mime_type: str | None) -> None:
    with pytest.raises(FileTypeMismatch):
        kind(content, filename, mime_type)


@pytest.mark.parametrize(
    ("content", "filename", "named"),
    [
        (ZIP, "x.zip", "a ZIP archive"),
        (zipped("readme.txt"), "x.docx", "a ZIP archive"),
        (
            zipped("xl/workbook.xml", "xl/vbaProject.bin"),
            "x.xlsm",
            "with macros.*; save it without macros",
        ),
        (zipped("word/document.xml", "word/vbaProject.bin"), "x.docx", "an Office file with macros"),
        (zipped("xl/workbook.bin"), "x.xlsb", r"a binary Excel workbook \(.xlsb\).*; save it as .xlsx"),
        (
            ODS.replace(b"spreadsheet", b"text\0\0\0\0\0\0\0", 1),
            "x.odt",
            "an OpenDocument text.*; save it as .docx or PDF",
        ),
        (OLE, "x.doc", "an old Office file"),
        (ole("Root Entry", "WordDocument"), "x.doc", r"an old Word file \(.doc\).*; save it as .docx or PDF"),
        (ole("PowerPoint Document"), "x.ppt", "an old PowerPoint file .*; save it as .pptx or PDF"),
        (ole("__nameid_version1.0"), "x.msg", "an Outlook message.*; save it as .eml"),
        (b"GIF89a....", "x.gif", "a GIF image"),
        (tarred(), "x.tar", "a TAR archive.*; hand it in as a batch"),
        (gzip.compress(tarred(), mtime=0), "x.tar.gz", "a gzip archive"),
        (gzip.compress(tarred(), mtime=0), "x.tgz", "a gzip archive"),
        (b"{\\rtf1 hello}", "x.rtf", "an RTF document"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "x.webp", "a WebP image"),
        (b"\x7fELF\x02\x01\x01\x00", None, "binary data"),
    ],
)
def test_unsupported_types_are_named(content: bytes, filename: str | None, named: str) -> None:
    with pytest.raises(FileTypeUnsupported, match=named):
        kind(content, filename)


def test_heic_needs_an_extra_which_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\x00\x00\x00\x18ftypheic"
    assert kind(content, "x.heic", "image/heif") == "image/heic"
    monkeypatch.setattr(heic, "can_read_heic", lambda: False)
    with pytest.raises(FileTypeUnsupported, match=r"x\.heic is a HEIC image.*nightdrop\[heic\]"):
        kind(content, "x.heic")


def test_an_office_file_under_a_password() -> None:
    with pytest.raises(FileEncrypted, match="remove the password"):
        kind(ole("EncryptionInfo", "EncryptedPackage"), "x.docx")


def test_empty() -> None:
    with pytest.raises(FileEmpty, match=r"a\.pdf has no bytes"):
        kind(b"", "a.pdf")


def test_too_large_says_size_limit_and_setting() -> None:
    with pytest.raises(FileTooLarge, match=r"big\.pdf has 2\.0 MB .* limit is 1\.0 MB \(NIGHTDROP_MAX_FILE_MB\)"):
        check(b"x" * 2 * 1024 * 1024, filename="big.pdf", mime_type=None, max_bytes=1024 * 1024)


def test_exactly_the_limit_is_allowed() -> None:
    assert check(b"12345", filename=None, mime_type=None, max_bytes=5) == "text/plain"
