"""Text kinds as one page: plain text, CSV, HTML, XML and e-mail."""

from __future__ import annotations

import codecs
import email
import email.policy
import re
from email.message import EmailMessage

from lxml import etree, html

from nightdrop.documents import kinds
from nightdrop.documents.grid import GAP, padded, page_of_lines
from nightdrop.records import DocumentText

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset"}
    | {"figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol"}
    | {"p", "pre", "section", "table", "tbody", "tfoot", "thead", "title", "tr", "ul"}
)
_SILENT = ("script", "style", "template", "noscript", "head")
_CHARSET_SAMPLE = 2048


def read_plain_text(content: bytes, mime_type: str) -> DocumentText:
    """One page; word boxes are positions on a grid of characters, without meaning as points (has_boxes is False)."""
    text = page_text(_TEXT_OF[mime_type](content) if mime_type in _TEXT_OF else decoded(content))
    return DocumentText(pages=(page_of_lines(1, text.split("\n"), text),), has_boxes=False)


def page_text(text: str) -> str:
    """Text as a page shows it: one kind of line end, no NUL, tabs as spaces."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").expandtabs(8)


def decoded(content: bytes, charset: str | None = None) -> str:
    """Bytes as text: by byte order mark, else the declared charset, else UTF-8, else Windows-1252."""
    if content.startswith(codecs.BOM_UTF8):
        return content[3:].decode("utf-8", "replace")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    for name in (charset, "utf-8"):
        try:
            if name:
                return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", "replace")


def _csv_text(content: bytes) -> str:
    """Cells keep their order and get a wide gap between them, like the columns of a table."""
    import csv

    text = decoded(content)
    head = text[:_CHARSET_SAMPLE]
    delimiter = max(",;\t|", key=lambda mark: head.partition("\n")[0].count(mark))
    try:
        rows = [[" ".join(cell.split()) for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)]
    except csv.Error:
        return text
    return "\n".join(padded(rows))


def _html_text(content: bytes) -> str:
    charset = re.search(rb"charset=[\"']?([\w-]+)", content[:_CHARSET_SAMPLE], re.IGNORECASE)
    text = decoded(content, charset[1].decode("ascii") if charset else None)
    return _markup_text(text)


def _markup_text(text: str) -> str:
    if not text.strip():
        return ""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # nothing but comments
        return ""
    etree.strip_elements(root, *_SILENT, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    parts: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        _add(parts, event, element)
    lines = ("".join(parts)).split("\n")
    return "\n".join(line for line in (_tidy(line) for line in lines) if line)


def _add(parts: list[str], event: str, element: etree._Element) -> None:
    tag = element.tag
    if event == "start":
        if tag in _BLOCKS:
            parts.append("\n")
        elif tag in ("td", "th"):
            parts.append(GAP + "\x1f")
        parts.append(_spaces(element.text))
        return
    if tag in _BLOCKS:
        parts.append("\n")
    parts.append(_spaces(element.tail))


def _spaces(text: str | None) -> str:
    return " ".join(f".{text}.".split())[1:-1] if text else ""


def _tidy(line: str) -> str:
    cells = [" ".join(cell.split()) for cell in line.split("\x1f")]
    return GAP.join(cell for cell in cells if cell)


def _xml_text(content: bytes) -> str:
    """One line per element with text, `Name: text`, so that tags serve as labels. Entities are not expanded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    root = etree.fromstring(content, parser)
    if root is None:
        return decoded(content)
    lines: list[str] = []
    for element in root.iter(tag=etree.Element):
        value = " ".join((element.text or "").split())
        if value:
            lines.append(f"{etree.QName(element).localname}: {value}")
    return "\n".join(lines)


def _email_text(content: bytes) -> str:
    """Subject, sender, recipient, date and the body (plain if there is one, else the HTML one)."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    lines = [
        f"{name}: {' '.join(str(message[name]).split())}" for name in ("From", "To", "Date", "Subject") if message[name]
    ]
    body = message.get_body(preferencelist=("plain", "html")) if isinstance(message, EmailMessage) else None
    if isinstance(body, EmailMessage):
        text = decoded(body.get_payload(decode=True) or b"", body.get_content_charset())  # type: ignore[arg-type]
        lines += ["", _markup_text(text) if body.get_content_type() == kinds.HTML else text]
    return "\n".join(lines)


_TEXT_OF = {kinds.CSV: _csv_text, kinds.HTML: _html_text, kinds.XML: _xml_text, kinds.EMAIL: _email_text}
