"""Words, boxes and reading order of PDF pages; the text of text kinds."""

from __future__ import annotations

import itertools

import paper
import pytest

from nightdrop.documents.attachments import read_attachments
from nightdrop.documents.pages import from_json, read_pages, read_text, to_json
from nightdrop.errors import PdfEncrypted
from nightdrop.records import Word

PDF = "application/pdf"


def words_of(content: bytes) -> list[Word]:
    return list(read_pages(content, PDF).pages[0].words)


def test_words_have_boxes_from_the_top_left_corner() -> None:
    text = read_pages(paper.pdf([(50, 40, "Invoice 4711"), (300, 40, "Total")]), PDF)
    page = text.pages[0]
    assert text.has_boxes
    assert (page.number, page.width, page.height) == (1, 400.0, 300.0)
    assert [word.text for word in page.words] == ["Invoice", "4711", "Total"]
    first = page.words[0]
    assert first.left == pytest.approx(50, abs=1)
    assert first.right == pytest.approx(50 + 32.2, abs=1)
    assert first.top < 40 < first.bottom + 3
    assert 8 < first.bottom - first.top < 15


def test_text_has_lines_and_wide_gaps() -> None:
    content = paper.pdf([(50, 40, "Net"), (300, 40, "10.00"), (50, 60, "Total due")])
    assert read_pages(content, PDF).pages[0].text == "Net  10.00\nTotal due"


def test_reading_order_is_visual() -> None:
    content = paper.pdf([(50, 200, "last"), (300, 40, "second"), (50, 40, "first"), (50, 100, "third")])
    assert [word.text for word in words_of(content)] == ["first", "second", "third", "last"]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_pages_are_read_as_seen(rotation: int) -> None:
    """reportlab swaps the sides of a page turned by 90 or 270 degrees, so that it is seen 400 wide and 300 high."""
    page = read_pages(paper.pdf([(50, 40, "Hello")], rotation=rotation), PDF).pages[0]
    assert (page.width, page.height) == (400.0, 300.0)
    word = page.words[0]
    middle = ((word.left + word.right) / 2, (word.top + word.bottom) / 2)
    x, y = 61.4, 262.0  # middle of the word in PDF space, y upwards
    seen = {0: (x, 300 - y), 90: (y, x), 180: (400 - x, y), 270: (400 - y, 300 - x)}[rotation]
    assert middle == pytest.approx(seen, abs=3)


def test_cropped_pages_start_at_the_crop_and_hide_the_rest() -> None:
    content = paper.pdf([(50, 40, "hidden"), (120, 150, "seen")], crop=(100, 100, 300, 200))
    page = read_pages(content, PDF).pages[0]
    assert (page.width, page.height) == (200.0, 100.0)
    assert [word.text for word in page.words] == ["seen"]
    assert page.words[0].left == pytest.approx(20, abs=1)
    assert page.words[0].bottom == pytest.approx(50, abs=4)


def test_unicode() -> None:
    assert [w.text for w in words_of(paper.pdf([(50, 40, "Fälligkeit: 1.234,56 € für Œuvre")]))] == [
        "Fälligkeit:",
        "1.234,56",
        "€",
        "für",
        "Œuvre",
    ]


def test_what_was_typed_into_a_form_is_read() -> None:
    page = read_pages(paper.form("Name:", "Jane Doe"), PDF).pages[0]
    assert page.text == "Name:  Jane Doe"
    assert page.words[1].left == pytest.approx(152, abs=4)


def test_several_pages() -> None:
    text = read_pages(paper.pdf([(50, 40, "one")], [(50, 40, "two")], []), PDF)
    assert [(page.number, page.text) for page in text.pages] == [(1, "one"), (2, "two"), (3, "")]


def test_locked_documents() -> None:
    with pytest.raises(PdfEncrypted):
        read_pages(paper.pdf([(50, 40, "x")], user_password="secret"), PDF)
    assert words_of(paper.pdf([(50, 40, "open")], owner_password="boss"))[0].text == "open"


def test_json_and_back() -> None:
    content = paper.pdf([(50, 40, "Invoice 4711")])
    text = read_pages(content, PDF)
    assert from_json(to_json(text)) == text
    assert from_json(read_text(content, {"mime_type": PDF})) == text


def test_images_have_no_text() -> None:
    assert read_pages(b"\x89PNG", "image/png").pages == ()


def plain(content: bytes, mime_type: str) -> str:
    text = read_pages(content, mime_type)
    assert not text.has_boxes
    return text.pages[0].text


def test_plain_text_in_any_charset() -> None:
    for charset in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert plain("Grüße €\r\nzwei".encode(charset), "text/plain") == "Grüße €\nzwei"


def test_words_of_plain_text_keep_their_order() -> None:
    words = read_pages(b"a  b\nc", "text/plain").pages[0].words
    assert [w.text for w in words] == ["a", "b", "c"]
    assert all((a.top, a.left) < (b.top, b.left) for a, b in itertools.pairwise(words))


def test_empty_text() -> None:
    assert plain(b"\n", "text/plain") == "\n"


def test_html() -> None:
    content = """<!doctype html><html><head><title>no</title><style>p {}</style></head><body>
    <h1>Rechnung &amp; mehr</h1>
    <script>alert(1)</script><!-- no --><p>Nummer: <b>4711</b>-A</p>
    <table><tr><td>Netto</td><td>10,00&nbsp;€</td></tr></table>Ende</body></html>"""
    assert plain(content.encode(), "text/html") == "Rechnung & mehr\nNummer: 4711-A\nNetto   10,00 €\nEnde"


def test_html_charset_is_respected() -> None:
    content = '<html><meta charset="iso-8859-15"><body>10 €</body></html>'.encode("iso-8859-15")
    assert plain(content, "text/html") == "10 €"


def test_html_without_content() -> None:
    assert plain(b"<!-- nothing -->", "text/html") == ""


def test_csv_columns_stay_apart() -> None:
    assert plain(b"name;amount\nTea, black;1,50\nX;2\n", "text/csv") == (
        "name         amount\nTea, black   1,50\nX            2"
    )


def test_xml_elements_become_labels_and_entities_stay_closed() -> None:
    content = (
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><Name>Tea &amp; Co</Name><b>&x;</b><c> </c></r>'
    )
    assert plain(content, "application/xml") == "Name: Tea & Co"


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    assert plain(b"<r><a>1</a><b>2", "application/xml") == "a: 1\nb: 2"


def test_email() -> None:
    content = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\r\nTo: b@example.com\r\nSubject: Rechnung\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<p>Betrag: <b>10,00 =E2=82=AC</b></p>\r\n"
    )
    assert plain(content, "message/rfc822") == (
        "From: Jürgen <j@example.com>\nTo: b@example.com\nSubject: Rechnung\n\nBetrag: 10,00 €"
    )


def test_attachments() -> None:
    content = paper.with_attachment(paper.pdf([(50, 40, "x")]), "factur-x.xml", b"<Invoice/>")
    content = paper.with_attachment(content, "Übersicht.txt", b"hello")
    assert read_attachments(content) == {"factur-x.xml": b"<Invoice/>", "Übersicht.txt": b"hello"}
    assert read_attachments(paper.pdf([(50, 40, "x")])) == {}
