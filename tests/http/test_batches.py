"""Batches over HTTP: only from folders that are allowed, listed to their end whatever dies, followed and read."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from nightdrop import Agent, AgentOS
from nightdrop.errors import PathRefused
from nightdrop.intake.allowed import check_allowed
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from tests.conftest import invoice_text, rows_at, scan_png
from tests.http.conftest import running, sent_events, until
from tests.http.test_serve import serving


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder that is allowed."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def client(db: Database, drop: Path) -> Iterator[httpx2.Client]:
    agent = Agent(id="invoices", model="local", output_schema=Invoice, db=db)
    with (
        running(AgentOS(agents=[agent]), allow_paths=[str(drop)]) as url,
        httpx2.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def fill(folder: Path, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        (folder / f"{number:05}.txt").write_text(invoice_text(number))


def asked(source: Path | str, **more: Any) -> dict[str, Any]:
    return {"agent_id": "invoices", "source": str(source), "message": "Read.", **more}


def done(client: httpx2.Client, batch_id: str) -> dict[str, Any]:
    def look() -> Any:
        batch = client.get(f"/batches/{batch_id}").json()
        return batch if batch["completed_at"] is not None else None

    return dict(until(look, 40))


def test_a_batch_from_its_source_to_its_rows(client: httpx2.Client, drop: Path) -> None:
    fill(drop, 20)
    (drop / "copy.txt").write_text(invoice_text(3))
    (drop / "scan.png").write_bytes(scan_png())
    answer = client.post("/batches", json=asked(drop))
    assert answer.status_code == 202
    batch_id = answer.json()["id"]
    assert answer.headers["location"] == f"/batches/{batch_id}"
    rows = [json.loads(line) for line in client.get(f"/batches/{batch_id}/results").text.splitlines()]
    assert len(rows) == 21
    assert {row["file"] for row in rows if row["status"] == "ERROR"} == {str(drop / "scan.png")}
    assert {row["batch_id"] for row in rows} == {batch_id}
    batch = done(client, batch_id)
    assert (batch["status"], batch["total"], batch["done"], batch["failed"]) == ("COMPLETED", 22, 22, 1)
    assert (batch["skipped"], batch["documents"], batch["listing_error"]) == (1, 21, None)
    now = client.get(f"/batches/{batch_id}/results", params={"wait": "false"}).text.splitlines()
    assert len(now) == 21
    assert [b["id"] for b in client.get("/batches").json()["items"]] == [batch_id]
    runs = client.get("/agents/invoices/runs", params={"batch_id": batch_id, "limit": 100}).json()["items"]
    assert len(runs) == 21


def test_progress_is_followed(client: httpx2.Client, drop: Path) -> None:
    fill(drop, 5)
    batch_id = client.post("/batches", json=asked(drop)).json()["id"]
    events = sent_events(client.get(f"/batches/{batch_id}/events"))
    last_id, name, batch = events[-1]
    assert (name, batch["done"], {n for _, n, _ in events[:-1]} <= {"progress"}) == ("end", 5, True)
    assert client.get(f"/batches/{batch_id}/events", headers={"Last-Event-ID": last_id}).status_code == 204


def test_a_batch_is_cancelled_and_resumed(client: httpx2.Client, drop: Path) -> None:
    fill(drop, 300)
    batch_id = client.post("/batches", json=asked(drop)).json()["id"]
    assert client.post(f"/batches/{batch_id}/cancel").status_code == 200
    cancelled = until(lambda: (b := client.get(f"/batches/{batch_id}").json())["done"] == b["total"] and b)
    assert cancelled["status"] in ("CANCELLED", "COMPLETED")
    client.post(f"/batches/{batch_id}/resume")
    batch = done(client, batch_id)
    assert (batch["status"], batch["total"], batch["failed"]) == ("COMPLETED", 300, 0)


def test_the_same_again_continues_and_a_key_answers_the_same(client: httpx2.Client, drop: Path) -> None:
    fill(drop, 3)
    key = {"Idempotency-Key": "night-1"}
    first = client.post("/batches", json=asked(drop), headers=key).json()["id"]
    done(client, first)
    assert client.post("/batches", json=asked(drop), headers=key).json()["id"] == first
    assert client.post("/batches", json=asked(drop)).json()["id"] != first
    other = client.post("/batches", json=asked(drop, limit=1), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("fault", ["accept.commit", "accept.committed", "accept.commit:2", "accept.committed:2"])
def test_a_kill_while_a_source_is_listed_loses_nothing(place: str, drop: Path, fault: str) -> None:
    fill(drop, 40)
    key = {"Idempotency-Key": "night-2"}
    allowed = ("--allow-path", str(drop))
    with serving(place, *allowed, env={"NIGHTDROP_FAULT_POINT": fault}) as (url, process):
        with suppress(httpx2.HTTPError):
            httpx2.post(f"{url}/batches", json=asked(drop), headers=key, timeout=30)
        assert process.wait(20) == -signal.SIGKILL
    with serving(place, *allowed) as (url, _), httpx2.Client(base_url=url, timeout=30) as client:
        if fault == "accept.commit":
            assert rows_at(place, "SELECT count(*) FROM nightdrop_batches") == [(0,)]
            client.post("/batches", json=asked(drop), headers=key)
        (batch,) = client.get("/batches").json()["items"]
        ended = done(client, batch["id"])
    assert (ended["total"], ended["done"], ended["failed"]) == (40, 40, 0)
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(40,)]


@pytest.mark.parametrize(
    "source", ["/etc", "/etc/passwd", "/etc/*", "file:///etc/passwd", "s3://bucket/x", "sftp://10.0.0.1/x", "nowhere"]
)
def test_a_source_that_is_not_allowed(client: httpx2.Client, source: str) -> None:
    answer = client.post("/batches", json=asked(source))
    assert (answer.status_code, answer.json()["code"]) == (422, "path_refused")
    assert client.get("/batches").json()["items"] == []


def test_the_way_out_of_an_allowed_folder_is_closed(client: httpx2.Client, drop: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(invoice_text(7))
    os.symlink(secret, drop / "link.txt")
    os.symlink(tmp_path, drop / "folder")
    (drop / "list.jsonl").write_text(
        json.dumps({"path": str(secret)}) + "\n" + json.dumps({"url": "http://127.0.0.1/"})
    )
    for source in (f"{drop}/../secret.txt", drop / "link.txt", drop / "folder", f"{drop}/folder/*.txt"):
        assert client.post("/batches", json=asked(source)).json()["code"] == "path_refused", source
    for source in (f"{drop}/*.txt", drop / "list.jsonl"):
        batch = done(client, client.post("/batches", json=asked(source)).json()["id"])
        assert batch["failed"] == batch["total"] > 0
    codes = {letter["code"] for letter in client.get("/dead-letters").json()["items"]}
    assert codes == {"path_refused", "url_refused"}
    assert invoice_text(7) not in client.get("/dead-letters").text


def test_urls_can_be_allowed(tmp_path: Path) -> None:
    roots = [str(tmp_path), "s3://drop/in"]
    for good in ("s3://drop/in", "s3://drop/in/a/*.pdf", "https://example.com/a.pdf", str(tmp_path / "new")):
        check_allowed(good, roots)
    for bad in ("s3://drop/inside", "s3://drop/in/../out", "zip://a::s3://drop/in/a.zip", str(tmp_path) + "x", "\0"):
        with pytest.raises(PathRefused):
            check_allowed(bad, roots)


def test_a_source_that_is_not_there_and_what_makes_no_sense(client: httpx2.Client, drop: Path) -> None:
    for body, code in (
        (asked(drop / "none"), "source_not_found"),
        (asked(drop, limit=0), "bad_argument"),
        (asked(drop, weight=0), "bad_argument"),
        (asked(drop, nonsense=1), "bad_argument"),
        (asked(drop, workflow_id="w"), "bad_argument"),
        ({"source": str(drop)}, "bad_argument"),
        (asked(drop, message="\ud800"), "bad_argument"),
    ):
        answer = client.post("/batches", content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, code), body
    for path in ("", "/results", "/events"):
        assert client.get(f"/batches/none{path}").json()["code"] == "batch_not_found"
    for path in ("cancel", "resume"):
        assert client.post(f"/batches/none/{path}").json()["code"] == "batch_not_found"
