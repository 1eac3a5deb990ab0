"""Batches without a source: documents are posted one call after the other, each is committed, closing ends it."""

from __future__ import annotations

import io
import signal
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import invoice_text, rows_at
from tests.http.conftest import until
from tests.http.test_batches import client, done, drop  # noqa: F401 - fixtures
from tests.http.test_serve import serving

OPEN = {"agent_id": "invoices", "message": "Read."}


def files(*numbers: int) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (f"{n}.txt", invoice_text(n).encode(), "text/plain")) for n in numbers]


def test_documents_are_added_until_it_is_closed(client: httpx2.Client) -> None:  # noqa: F811
    batch_id = client.post("/batches", json=OPEN, headers={"Idempotency-Key": "posted-1"}).json()["id"]
    place = f"/batches/{batch_id}/documents"
    first = client.post(place, files=files(1, 2))
    assert first.status_code == 202, first.text
    assert client.post(place, files=files(1, 2)).json() == first.json()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("3.txt", invoice_text(3))
    more = client.post(place, files=[("files", ("week.zip", out.getvalue())), ("files", ("bad.pdf", b"%PDF-no"))])
    assert len(more.json()["items"]) == 2
    large = client.post(place, files=[("files", ("large.txt", b"-" * 1_500_000, "text/plain"))])
    assert large.status_code == 202
    until(lambda: client.get(f"/batches/{batch_id}").json()["done"] == 5)
    assert client.get(f"/batches/{batch_id}").json()["status"] == "ACCEPTING"
    for _ in range(2):
        assert client.post(f"/batches/{batch_id}/close").status_code == 200
    batch = done(client, batch_id)
    assert (batch["status"], batch["total"], batch["failed"], batch["source"]) == ("COMPLETED", 5, 1, None)
    late = client.post(place, files=files(9))
    assert (late.status_code, late.json()["code"]) == (409, "batch_closed")
    assert client.post("/batches", json=OPEN, headers={"Idempotency-Key": "posted-1"}).json()["id"] == batch_id


def test_what_takes_no_documents_says_so(client: httpx2.Client, drop: Path) -> None:  # noqa: F811
    (drop / "1.txt").write_text(invoice_text(1))
    batch_id = client.post("/batches", json={**OPEN, "source": str(drop)}).json()["id"]
    for call in ("documents", "close"):
        answer = client.post(f"/batches/{batch_id}/{call}", files=files(1))
        assert (answer.status_code, answer.json()["code"]) == (409, "batch_closed")
    assert client.post("/batches/none/documents", files=files(1)).json()["code"] == "batch_not_found"
    assert client.post("/batches", json={**OPEN, "limit": 3}).status_code == 422
    cancelled = client.post("/batches", json=OPEN).json()["id"]
    client.post(f"/batches/{cancelled}/cancel")
    assert client.post(f"/batches/{cancelled}/documents", files=files(1)).status_code == 409
    local = client.post(f"/batches/{batch_id}/documents", data={"file_urls": "http://127.0.0.1:1/a.pdf"})
    assert local.status_code in (409, 422)


def test_a_kill_after_the_commit_loses_nothing(place: str) -> None:
    with serving(place, env={"NIGHTDROP_FAULT_POINT": "accept.committed"}) as (url, process):
        batch_id = httpx2.post(f"{url}/batches", json=OPEN, timeout=30).json()["id"]
        with suppress(httpx2.HTTPError):
            httpx2.post(f"{url}/batches/{batch_id}/documents", files=files(1, 2), timeout=30)
        assert process.wait(20) == -signal.SIGKILL
    with serving(place) as (url, _), httpx2.Client(base_url=url, timeout=30) as service:
        again = service.post(f"/batches/{batch_id}/documents", files=files(1, 2, 3)).json()["items"]
        service.post(f"/batches/{batch_id}/close")
        ended: dict[str, Any] = done(service, batch_id)
    assert (len(again), ended["total"], ended["done"], ended["failed"]) == (3, 3, 3, 0)
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(3,)]
