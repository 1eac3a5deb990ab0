"""Files that cannot be used, made for real: each with the code of its refusal."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pypdfium2
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

ODD_NAMES = {
    "emoji": "facture 🧾👩🏽‍💻.txt",
    "combining": "Rech\u0075\u0308nung Gro\u0308\u00dfe.txt",
    "right to left": "חשבונית فاتورة \u202e2026.txt",
    "newline": "two\nlines\ttab.txt",
    "quotes": 'it\'s "quoted", 100% {x} [y] $HOME;.txt',
    "not UTF-8": os.fsdecode(b"rechnung-\xfc\xff.txt"),
    "long": "x" * 251 + ".txt",
}


def pdf(text: str = "Invoice number: A-1", password: str | None = None) -> bytes:
    """A small real PDF, protected by a password if one is given."""
    out = io.BytesIO()
    encrypt = None if password is None else StandardEncryption(password)
    canvas = Canvas(out, pagesize=(300, 200), encrypt=encrypt)
    canvas.drawString(30, 150, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_without_pages() -> bytes:
    """A whole PDF that has no page."""
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    document.save(out)
    document.close()
    return out.getvalue()


def bad_contents() -> dict[str, bytes]:
    """File name → bytes that are refused; the code is the name's first part."""
    return {
        "file_empty.pdf": b"",
        "file_empty_2.txt": b"",
        "pdf_corrupt.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 8,
        "pdf_encrypted.pdf": pdf(password="secret"),
        "pdf_no_pages.pdf": pdf_without_pages(),
        "file_type_mismatch.pdf": b"this is no PDF at all",
        "file_type_mismatch.txt": pdf(),
        "file_type_unsupported.bin": bytes(range(32)) * 4,
        "file_type_unsupported.gif": b"GIF89a" + bytes(40),
        "file_too_large.txt": b"x" * (1024 * 1024 + 1),  # with NIGHTDROP_MAX_FILE_MB=1
    }


def bad_places(folder: Path) -> dict[str, Path]:
    """Paths that hold no document: made in the folder, named after the code of their refusal."""
    (folder / "file_not_found.dangling.txt").symlink_to(folder / "gone.txt")
    (folder / os.fsdecode(b"file_not_found.\xff.txt")).symlink_to(folder / "gone too.txt")
    (folder / "file_unreadable.loop.txt").symlink_to(folder / "file_unreadable.loop.txt")
    (folder / "file_unreadable.device.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "file_unreadable.fifo.txt")
    return {path.name: path for path in folder.iterdir()}


def code_of(name: str) -> str:
    """The error code that a bad file's name says."""
    stem = name.split(".", 1)[0]
    return stem.removesuffix("_2")


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {
            "/good.txt": (200, b"Invoice number: W-1\nTotal: 5.00 EUR\n"),
            "/empty.txt": (200, b""),
            "/secret.txt": (403, b"no"),
            "/broken.txt": (500, b"oh"),
        }
        if self.path == "/large.txt":
            answers["/large.txt"] = (200, b"x" * (1024 * 1024 + 1))
        status, body = answers.get(self.path.split("?")[0], (404, b"not here"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def site() -> Iterator[str]:
    """A web server on loopback; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
