"""Large uploads go through the disk: memory stays flat, whatever their size, and every byte arrives."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from nightdrop.store.place import database_at
from tests.conftest import rows_at
from tests.http.test_serve import serving

MEGABYTE = 1024 * 1024
SIZE = int(os.environ.get("TEST_UPLOAD_MB", "192")) * MEGABYTE  # 2048 was tried by hand
_LINE = b"Invoice number: INV-00001, and much more that nobody will ever read to its end. 0123456789abcdef\n"


def text(size: int) -> Iterator[bytes]:
    piece = _LINE * (MEGABYTE // len(_LINE))
    while size > 0:
        yield piece[:size]
        size -= len(piece)


def form(size: int) -> Iterator[bytes]:
    yield b'--cut\r\nContent-Disposition: form-data; name="background"\r\n\r\ntrue\r\n'
    yield b'--cut\r\nContent-Disposition: form-data; name="files"; filename="large.txt"\r\n'
    yield b"Content-Type: text/plain\r\n\r\n"
    yield from text(size)
    yield b"\r\n--cut--\r\n"


class Watch:
    """The largest private memory of a process while the block lasts, in bytes."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.first = self.most = self._now()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        fields = dict(line.split(":", 1) for line in self._status.read_text().splitlines())
        return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssFile", "RssShmem")) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is looked up in /proc")
def test_memory_does_not_grow_with_an_upload(place: str) -> None:
    environment = {"NIGHTDROP_MAX_FILE_MB": str(SIZE // MEGABYTE + 1), "NIGHTDROP_READER_MEMORY_MB": "128"}
    with serving(place, env=environment) as (url, process), httpx2.Client(base_url=url, timeout=300) as client:
        client.post("/agents/invoices/runs", files={"files": ("warm.txt", b"x" * 2 * MEGABYTE)}, timeout=60)
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        with Watch(process.pid) as watch:
            answer = client.post("/agents/invoices/runs", content=form(SIZE), headers=kind)
            assert answer.status_code == 202, answer.text
            place_of_run = answer.headers["location"]
            while (run := client.get(place_of_run).json())["status"] in ("PENDING", "RUNNING"):
                time.sleep(0.1)
    assert watch.most - watch.first < 64 * MEGABYTE, f"{(watch.most - watch.first) / MEGABYTE:.0f} MB more"
    assert run["error"]["code"] == "document_too_complex"  # no reading process may be that large
    digest = hashlib.sha256()
    for piece in text(SIZE):
        digest.update(piece)
    stored = rows_at(place, "SELECT size, location FROM nightdrop_documents WHERE sha256 = ?", (digest.hexdigest(),))
    assert [size for size, _ in stored] == [SIZE]
    db = database_at(place)
    assert hashlib.sha256(db.blobs.read(stored[0][1])).hexdigest() == digest.hexdigest()
    db.close()


def test_a_large_document_with_an_inside_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    environment = {"NIGHTDROP_READER_MEMORY_MB": "2"}
    with serving(str(tmp_path / "n.db"), env=environment) as (url, _):
        content = b"%PDF-1.7\n" + b"x" * 3 * MEGABYTE
        answer = httpx2.post(f"{url}/agents/invoices/runs", files={"files": ("a.pdf", content)}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (422, "document_too_complex")
    assert rows_at(str(tmp_path / "n.db"), "SELECT count(*) FROM nightdrop_documents") == [(0,)]
