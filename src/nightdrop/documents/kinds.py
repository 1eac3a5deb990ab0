"""What kind of file some bytes are: decided by their content, checked against name and declared type.

Runs for every document of a batch before anything is stored, so it only looks at the first bytes.
"""

from __future__ import annotations

from nightdrop.documents import containers, heic
from nightdrop.errors import FileEmpty, FileEncrypted, FileTooLarge, FileTypeMismatch, FileTypeUnsupported
from nightdrop.records.content import Content

PDF = "application/pdf"
TEXT = "text/plain"
CSV = "text/csv"
HTML = "text/html"
XML = "application/xml"
EMAIL = "message/rfc822"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
HEIC = "image/heic"
DOCX, XLSX, PPTX, ODS, XLS = containers.DOCX, containers.XLSX, containers.PPTX, containers.ODS, containers.XLS

SUPPORTED = frozenset({PDF, TEXT, CSV, HTML, XML, EMAIL, PNG, JPEG, TIFF, HEIC, DOCX, XLSX, PPTX, ODS, XLS})
SHEETS = frozenset({XLSX, ODS, XLS})
OFFICE = SHEETS | {DOCX, PPTX}
IMAGES = frozenset({PNG, JPEG, TIFF, HEIC})

_SAMPLE = 1024
_MEGABYTE = 1024 * 1024

_NAMES = {
    PDF: "a PDF",
    TEXT: "plain text",
    CSV: "CSV",
    HTML: "HTML",
    XML: "XML",
    EMAIL: "an e-mail",
    PNG: "a PNG image",
    JPEG: "a JPEG image",
    TIFF: "a TIFF image",
    HEIC: "a HEIC image",
    DOCX: "a Word document",
    XLSX: "an Excel workbook",
    PPTX: "a PowerPoint presentation",
    ODS: "an OpenDocument spreadsheet",
    XLS: "an old Excel workbook (.xls)",
}

_EXTENSIONS = {
    "pdf": PDF,
    "txt": TEXT,
    "text": TEXT,
    "csv": CSV,
    "tsv": CSV,
    "htm": HTML,
    "html": HTML,
    "xhtml": HTML,
    "xml": XML,
    "eml": EMAIL,
    "png": PNG,
    "jpg": JPEG,
    "jpeg": JPEG,
    "tif": TIFF,
    "tiff": TIFF,
    "heic": HEIC,
    "heif": HEIC,
    "docx": DOCX,
    "xlsx": XLSX,
    "pptx": PPTX,
    "ods": ODS,
    "xls": XLS,
    # known, but not read: text or a PDF under such a name is a contradiction too
    "doc": containers.OLD_WORD,
    "ppt": containers.OLD_POWERPOINT,
    "msg": containers.OUTLOOK,
    "docm": containers.MACROS,
    "xlsm": containers.MACROS,
    "pptm": containers.MACROS,
    "xlsb": containers.XLSB,
    "odt": containers.ODT,
    "odp": containers.ODP,
    "zip": containers.ZIP,
    "tar": containers.TAR,
    "tgz": "a gzip archive",
    "gif": "a GIF image",
    "webp": "a WebP image",
    "bmp": "a BMP image",
    "gz": "a gzip archive",
    "7z": "a 7-Zip archive",
    "rar": "a RAR archive",
    "rtf": "an RTF document",
}

# Declared types that say nothing, or that browsers send for something else (Windows says Excel for CSV), are left out.
_DECLARED = {
    **{kind: kind for kind in SUPPORTED - {XLS}},
    "application/x-pdf": PDF,
    "text/xml": XML,
    "application/xhtml+xml": HTML,
    "image/jpg": JPEG,
    "image/pjpeg": JPEG,
    "image/heif": HEIC,
    "application/csv": CSV,
}

_MAGIC = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
    (b"PK\x03\x04", containers.ZIP),
    (b"PK\x05\x06", containers.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", containers.OLE),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF document"),
)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _MAGIC)

_ADVICE = {
    containers.OLD_WORD: "save it as .docx or PDF",
    containers.OLD_POWERPOINT: "save it as .pptx or PDF",
    containers.OLE: "save it as .docx, .xlsx, .pptx or PDF",
    containers.OUTLOOK: "save it as .eml, or hand it in as a batch, which takes its attachments",
    containers.MACROS: "save it without macros, as .docx, .xlsx or .pptx",
    containers.XLSB: "save it as .xlsx",
    containers.ODT: "save it as .docx or PDF",
    containers.ODP: "save it as .pptx or PDF",
    containers.ZIP: "hand it in as a batch, which unpacks it",
    containers.TAR: "hand it in as a batch, which unpacks it",
}

_BINARY = "binary data"
_CONTROL_FREE = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x100)))  # bytes that text in any charset may hold
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = frozenset({HTML, XML})

_INSIDE = {containers.ZIP: containers.kind_in_zip, containers.OLE: containers.kind_in_ole}
_FAMILIES = (containers.IN_ZIP, containers.IN_OLE)
_MAY_BE_NAMED = {  # content → what its name or declared type may say without contradiction
    TEXT: frozenset({TEXT, CSV, HTML}),
    EMAIL: frozenset({EMAIL, TEXT}),
    HTML: frozenset({HTML, XML, TEXT}),
    XML: frozenset({XML, HTML, TEXT}),
}


def check(content: Content, *, filename: str | None, mime_type: str | None, max_bytes: int) -> str:
    """The mime type of these bytes; FileEmpty, FileTooLarge, FileTypeMismatch or FileTypeUnsupported when unusable.

    Name and declared type choose between kinds that look alike (text, CSV, HTML); anything else they may only confirm.
    """
    what = filename or "the file"
    size = len(content)
    if size == 0:
        raise FileEmpty(f"{what} has no bytes")
    if size > max_bytes:
        raise FileTooLarge(
            f"{what} has {size / _MEGABYTE:.1f} MB ({size} bytes); the limit is {max_bytes / _MEGABYTE:.1f} MB"
            " (NIGHTDROP_MAX_FILE_MB)"
        )
    by_name, declared = said_of(filename, mime_type)
    found = _sniff(content, (by_name, declared))
    if found == containers.LOCKED:
        raise FileEncrypted(f"{what} is {found}: remove the password before handing the file in")
    for said, by in ((by_name, "name"), (declared, "declared type")):
        if said is not None and said != found and not _agrees(found, said):
            raise FileTypeMismatch(f"{what}: its {by} says {_name(said)}, its content is {_name(found)}")
    if found not in SUPPORTED:
        advice = f"; {_ADVICE[found]}" if found in _ADVICE else ""
        raise FileTypeUnsupported(f"{what} is {_name(found)}: this type is not supported{advice}")
    if found == HEIC and not heic.can_read_heic():
        raise FileTypeUnsupported(f"{what} is {_name(found)}: {heic.NEEDS}")
    return _narrowed(found, by_name, declared)


def said_of(filename: str | None, mime_type: str | None) -> tuple[str | None, str | None]:
    """(what the name says, what the declared type says) of a file's kind; None where it says nothing."""
    by_name = _EXTENSIONS.get(filename.rpartition(".")[2].lower()) if filename and "." in filename else None
    declared = _DECLARED.get(mime_type.partition(";")[0].strip().lower()) if mime_type else None
    return by_name, declared


def is_email(content: bytes, said: tuple[str | None, ...]) -> bool:
    """Whether these bytes are a mail: by their first lines, with what their name says of them."""
    return _sniff(content, said) == EMAIL


def _sniff(content: Content, said: tuple[str | None, ...]) -> str:
    if content[0] in _FIRST_BYTES:
        for magic, kind in _MAGIC:
            if content[: len(magic)] == magic:
                return _INSIDE[kind](content, said) if kind in _INSIDE else kind
    sample = content[:_SAMPLE]
    if b"%PDF-" in sample and b"%%EOF" in content[-2 * _SAMPLE :]:
        return PDF  # readers allow junk before the header
    if sample[4:8] == b"ftyp" and sample[8:12] in heic.BRANDS:
        return HEIC
    if sample[257:262] == b"ustar":
        return containers.TAR
    if sample[:4] == b"RIFF" and sample[8:12] == b"WEBP":
        return "a WebP image"
    if sample.startswith(_UTF16):
        sample = content[2 : 2 * _SAMPLE].replace(b"\x00", b"")
    if sample.translate(None, _CONTROL_FREE):
        return _BINARY
    return _textual(sample.removeprefix(b"\xef\xbb\xbf").lstrip(), as_email=EMAIL in said)


def _textual(sample: bytes, *, as_email: bool) -> str:
    if sample[:1] == b"<":
        head = sample.lower()
        if b"<!doctype html" in head or b"<html" in head:
            return HTML
        return XML if sample[1:2].isalpha() or sample[1:2] in (b"?", b"!", b"_") else TEXT
    first_line = sample.partition(b"\n")[0]
    name, colon, _ = first_line.partition(b":")
    is_header = bool(colon) and name.isascii() and name.replace(b"-", b"").isalnum()
    if is_header and (as_email or b"\nMIME-Version:" in sample or b"\nMessage-I" in sample):
        return EMAIL
    return EMAIL if as_email and first_line.startswith(b"From ") else TEXT


def _agrees(found: str, said: str) -> bool:
    if found not in SUPPORTED and any(found in family and said in family for family in _FAMILIES):
        return True  # better told what it is than that its name is wrong
    if found in SHEETS and said in SHEETS:
        return True  # many an export is called .xls whatever it is
    return said in _MAY_BE_NAMED.get(found, ())


def _narrowed(found: str, by_name: str | None, declared: str | None) -> str:
    if found not in _MAY_BE_NAMED:
        return found
    for said in (by_name, declared):
        if said is not None and said != TEXT:
            return said
    return TEXT if TEXT in (by_name, declared) else found


def _name(kind: str) -> str:
    return _NAMES.get(kind, kind)
