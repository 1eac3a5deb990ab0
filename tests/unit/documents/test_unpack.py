"""Archives and mails: what is in them, and what is not believed of them."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from email.message import EmailMessage

import pytest
from tests.unit.documents.outlook_file import outlook_message

from nightdrop.documents.mail import MailFacts
from nightdrop.documents.unpack import Member, unpack
from nightdrop.errors import DocumentTooComplex, FileCorrupt, FileEmpty

MEGABYTE = 1024 * 1024
PDF = b"%PDF-1.4\n%%EOF"


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: dict[str, bytes], *special: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info in special:
            archive.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def mail(text: str = "Hello", **attached: bytes) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "a@example.com", "Your invoice", "<1@example.com>"
    message.set_content(text)
    for name, content in attached.items():
        kind = "image" if name.endswith("png") else "application"
        message.add_attachment(content, maintype=kind, subtype=name.rpartition("_")[2], filename=name.replace("_", "."))
    return message


def members(content: bytes, name: str = "x", total: int = 10 * MEGABYTE) -> list[Member]:
    return unpack(content, filename=name, mime_type=None, max_bytes=MEGABYTE, max_total=total)


def paths(content: bytes, name: str = "x") -> list[str]:
    return [member.path for member in members(content, name)]


def test_an_archive_is_its_files_without_what_systems_leave_in_it() -> None:
    files = {"in/a.pdf": PDF, "b.txt": b"b", "__MACOSX/._a.pdf": b"x", ".git/c": b"x", "Thumbs.db": b"x"}
    assert [(m.path, m.filename, m.content) for m in members(zipped(files))] == [
        ("in/a.pdf", "a.pdf", PDF),
        ("b.txt", "b.txt", b"b"),
    ]


def test_archives_in_archives_and_mails_are_opened_to_a_depth() -> None:
    inner = mail(a_pdf=PDF).as_bytes()
    assert paths(zipped({"week.zip": zipped({"mail.eml": inner})})) == ["week.zip!/mail.eml!/a.pdf"]
    deep = zipped({"a.pdf": PDF})
    for _ in range(4):
        deep = zipped({"z.zip": deep})
    (only,) = members(deep)
    assert isinstance(only.refused, DocumentTooComplex)


def test_a_bomb_is_refused_as_a_whole() -> None:
    small = zipped({f"{n}.txt": b"0" * (MEGABYTE - 1) for n in range(20)})
    assert len(small) < MEGABYTE / 20
    with pytest.raises(DocumentTooComplex, match="NIGHTDROP_MAX_ARCHIVE_MB"):
        members(small)
    with pytest.raises(DocumentTooComplex, match="NIGHTDROP_MAX_ARCHIVE_MB"):
        members(zipped({f"{n}.zip": zipped({"x.txt": b"0" * (MEGABYTE - 1)}) for n in range(20)}))
    with pytest.raises(DocumentTooComplex, match="10,000 files"):
        members(zipped({str(n): b"" for n in range(10_001)}))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_tar_archive_is_its_files(compressed: bool) -> None:
    content = tarred({"in/a.pdf": PDF, "b.txt": b"b", "../../etc/passwd": b"x", ".hidden": b"x", "e.txt": b""})
    found = members(gzip.compress(content) if compressed else content, "week")
    assert [(m.path, m.content) for m in found] == [
        ("in/a.pdf", PDF),
        ("b.txt", b"b"),
        ("etc/passwd", b"x"),
        ("e.txt", b""),
    ]


def test_links_and_devices_in_a_tar_archive_are_refused_alone() -> None:
    kinds = {"s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE, "f": tarfile.FIFOTYPE}
    odd = [special(name, kind, "/etc/passwd") for name, kind in kinds.items()]
    *refused, good = members(tarred({"a.pdf": PDF}, *odd))
    assert [(m.path, m.content, m.refused.code if m.refused else None) for m in refused] == [
        (name, b"", "file_type_unsupported") for name in kinds
    ]
    assert good.content == PDF


def test_a_tar_bomb_is_refused_as_a_whole() -> None:
    with pytest.raises(DocumentTooComplex, match="NIGHTDROP_MAX_ARCHIVE_MB"):
        members(gzip.compress(tarred({f"{n}.txt": bytes(MEGABYTE) for n in range(20)})))
    with pytest.raises(DocumentTooComplex, match="10,000 files"):
        members(gzip.compress(tarred({str(n): b"" for n in range(10_001)})))
    vast = tarfile.TarInfo("vast")
    vast.size = 1 << 40  # a tebibyte of nothing behind it: what is not taken is read past, so it counts too
    with pytest.raises((DocumentTooComplex, FileCorrupt)):
        members(gzip.compress(vast.tobuf() + bytes(30 * MEGABYTE), 1))
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 40 * MEGABYTE
    with pytest.raises((DocumentTooComplex, FileCorrupt)):
        members(gzip.compress(long_name.tobuf() + bytes(41 * MEGABYTE), 1))


@pytest.mark.parametrize("cut", [300, 700, 1100])
def test_a_damaged_tar_archive_is_refused(cut: int) -> None:
    content = tarred({"a.txt": b"a" * 600, "b.txt": b"b"})
    with pytest.raises(FileCorrupt):
        members(content[:cut], "x.tar")
    with pytest.raises(FileCorrupt):
        members(gzip.compress(content)[:-30], "x.tar.gz")


def test_what_an_archive_says_of_a_size_is_not_believed() -> None:
    content = zipped({"a.txt": b"0" * (3 * MEGABYTE)})
    lying = content.replace((3 * MEGABYTE).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (member,) = members(lying)
    assert member.refused is not None or len(member.content) <= MEGABYTE
    (large,) = members(content)
    assert large.refused is not None
    assert (large.refused.code, large.content) == ("file_too_large", b"")


def test_a_locked_or_damaged_file_is_refused_alone() -> None:
    content = bytearray(zipped({"a.txt": b"a" * 100, "b.txt": b"b" * 100}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the first file says that it is encrypted
        content[content.index(magic) + at] |= 1
    locked, good = members(bytes(content))
    assert locked.refused is not None
    assert (locked.refused.code, good.refused, good.content) == ("file_encrypted", None, b"b" * 100)
    broken = zipped({"a.txt": bytes(range(256)) * 50})
    damaged = broken[:60] + b"\xff" * 40 + broken[100:]
    (member,) = members(damaged)
    assert member.refused is not None
    assert member.refused.code == "file_corrupt"


def test_an_archive_without_files_or_directory_is_refused() -> None:
    with pytest.raises(FileEmpty):
        members(zipped({".hidden": b"x"}), "x.zip")
    with pytest.raises(FileCorrupt):
        members(zipped({"a.txt": b"a"})[:-30], "x.zip")


def test_a_mail_with_documents_is_those_and_knows_who_sent_them() -> None:
    pdf, sheet = members(mail(a_pdf=PDF, b_xml=b"<a/>").as_bytes(), "m.eml")
    assert (pdf.path, pdf.content, sheet.path) == ("a.pdf", PDF, "b.xml")
    assert pdf.mail is not None
    assert pdf.mail.to_json() == {
        "from": "a@example.com",
        "subject": "Your invoice",
        "date": "",
        "message_id": "<1@example.com>",
        "text": "Hello",
    }


def test_what_a_mail_says_is_kept_in_bounds() -> None:
    (pdf,) = members(mail("Grüße\n" + "x" * 20_000, a_pdf=PDF).as_bytes(), "m.eml")
    assert pdf.mail is not None
    assert pdf.mail.to_json()["text"] == "Grüße\n" + "x" * 9_994
    assert MailFacts(text="A\0B").to_json()["text"] == "AB"  # Postgres keeps no NUL
    odd = mail("Hello", a_pdf=PDF).as_bytes().replace(b'charset="utf-8"', b'charset="x-unknown"')
    assert b"x-unknown" in odd
    assert [m.mail and m.mail.text for m in members(odd, "m.eml")] == ["Hello"]
    page = mail(a_pdf=PDF)
    page.get_body().set_content("<p>Hello</p>", subtype="html")  # type: ignore[union-attr]
    assert [m.mail and m.mail.text for m in members(page.as_bytes(), "m.eml")] == [""]


def test_a_mail_without_documents_is_one_itself() -> None:
    assert members(mail().as_bytes(), "m.eml") == []
    first, logo = members(mail(logo_png=b"\x89PNG\r\n\x1a\n").as_bytes(), "m.eml")
    assert (first.path, logo.path) == ("", "logo.png")


def test_pictures_in_the_text_and_signatures_are_left_out() -> None:
    message = mail(a_pdf=PDF)
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", cid="<logo>", filename="logo.png")
    message.add_attachment(b"sig", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    assert paths(message.as_bytes(), "m.eml") == ["a.pdf"]


def test_forwarded_mails_are_opened() -> None:
    outer = mail()
    outer.add_attachment(mail(a_pdf=PDF))
    outer.add_attachment(mail("an order in the text"))
    assert paths(outer.as_bytes(), "m.eml") == ["attachment-1.eml!/a.pdf", "attachment-2.eml"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\temp\\a.pdf", "/abs/a.pdf", "a\0b.pdf"])
def test_names_lead_nowhere(name: str) -> None:
    message = mail()
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename=name.replace("\0", ""))
    (member,) = members(message.as_bytes(), "m.eml")
    assert "/" not in member.path
    assert members(zipped({name: PDF}))[0].filename.endswith(("passwd", "a.pdf", "b.pdf", "a"))


def test_names_that_come_twice_are_told_apart() -> None:
    message = mail(a_pdf=PDF)
    message.add_attachment(PDF + b"2", maintype="application", subtype="pdf", filename="a.pdf")
    assert paths(message.as_bytes(), "m.eml") == ["a.pdf", "2-a.pdf"]


def test_an_outlook_message_is_its_attachments_or_its_text() -> None:
    large = PDF + bytes(10_000)
    pdf, text = members(outlook_message("Invoice", "see there", {"a.pdf": large, "b.xml": b"<b/>"}), "m.msg")
    assert (pdf.path, pdf.content, text.content) == ("a.pdf", large, b"<b/>")
    assert pdf.mail is not None
    assert (pdf.mail.sender, pdf.mail.subject, pdf.mail.text) == ("A. Sender", "Invoice", "see there")
    (only,) = [m for m in members(outlook_message("Order", "Total: 12.00 EUR", {}), "m.msg") if m.path]
    assert (only.path, only.content) == ("message.txt", b"From: A. Sender\nSubject: Order\n\nTotal: 12.00 EUR")


def test_a_damaged_outlook_message_is_refused() -> None:
    whole = outlook_message("Invoice", "x", {"a.pdf": PDF})
    with pytest.raises(FileCorrupt):
        members(whole[:-700], "m.msg")
