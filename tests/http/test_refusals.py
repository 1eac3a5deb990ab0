"""What the service does not do is said as a problem, and nothing of it is stored."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import rows_at
from tests.http.conftest import Served, upload

RUNS = "/agents/invoices/runs"


def refused(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert set(body) >= {"type", "title", "status", "code", "detail", "retryable"}
    return answer.status_code, body["code"]


def part(name: str, content: bytes, kind: str = "application/octet-stream") -> list[Any]:
    return [("files", (name, content, kind))]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (part("a.bin", b"\x00\x01\x02"), (415, "file_type_unsupported")),
        (part("a.pdf", b"hello"), (415, "file_type_mismatch")),
        (part("a.txt", b""), (422, "file_empty")),
        (part("a.pdf", b"%PDF-1.4 broken"), (422, "pdf_corrupt")),
        ([upload(1), upload(2)], (422, "bad_argument")),  # the local reader takes one
        ([], (422, "bad_argument")),
    ],
)
def test_a_document_that_cannot_be_used(served: Served, files: Any, expected: tuple[int, str]) -> None:
    agent = served.agent()
    form = {"message": "Read."}
    runs = f"/agents/{agent.id}/runs"
    answer = served.client.post(runs, data=form, files=files) if files else served.client.post(runs, data=form)
    assert refused(answer) == expected
    assert rows_at(served.place, "SELECT count(*) FROM nightdrop_runs WHERE subject_id = ?", (agent.id,)) == [(0,)]


def test_a_document_that_is_too_large(client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "1")
    answer = client.post(RUNS, files=part("a.txt", b"x" * 1_100_000))
    assert refused(answer) == (413, "file_too_large")
    answer = client.post(RUNS, files=part("a.txt", b"x" * 4_200_000))
    assert refused(answer) == (413, "request_too_large")


@pytest.mark.parametrize(
    "form",
    [
        {"mesage": "a typo must not be taken for an empty message"},
        {"background": "perhaps"},
        {"metadata": "{"},
        {"metadata": "[1]"},
        {"session_id": "s" * 501},
        {"message": "a\0b"},
        {"files": "not a file"},
    ],
)
def test_a_field_that_is_wrong_is_named(client: httpx2.Client, form: dict[str, str]) -> None:
    answer = client.post(RUNS, data=form, files=[upload(1)])
    assert refused(answer) == (422, "bad_argument")
    assert answer.json()["errors"][0]["where"] == f"body.{next(iter(form))}"


def test_a_body_of_another_type(client: httpx2.Client) -> None:
    assert refused(client.post(RUNS, json={"message": "Read."})) == (415, "media_type_unsupported")
    assert refused(client.post(RUNS)) == (415, "media_type_unsupported")


def test_a_form_that_is_broken(client: httpx2.Client) -> None:
    kind = {"Content-Type": "multipart/form-data"}
    assert refused(client.post(RUNS, content=b"--x", headers=kind))[0] == 422
    assert (
        refused(client.post(RUNS, content=b"junk", headers={"Content-Type": "multipart/form-data; boundary=x"}))[0]
        == 422
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/secret",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "file:///etc/passwd",
        "http://localhost:1/",
    ],
)
def test_urls_reach_public_addresses_only(client: httpx2.Client, url: str) -> None:
    assert refused(client.post(RUNS, data={"file_urls": url})) == (422, "url_refused")


def test_a_large_body_without_files(client: httpx2.Client) -> None:
    run_id = client.post(RUNS, data={"message": "Read."}, files=[upload(3)]).json()["run_id"]
    answer = client.post(f"{RUNS}/{run_id}/continue", json={"answer": "x" * 1_100_000})
    assert refused(answer) == (413, "request_too_large")
    pieces = (b"x" * 100_000 for _ in range(11))  # says nothing of its size
    answer = client.post(f"{RUNS}/{run_id}/continue", content=pieces, headers={"Content-Type": "application/json"})
    assert refused(answer) == (413, "request_too_large")


def test_parameters_and_methods(client: httpx2.Client) -> None:
    for query in ({"limit": "0"}, {"limit": "many"}, {"status": "DONE"}, {"session_id": "a\0b"}):
        assert refused(client.get(RUNS, params=query)) == (422, "bad_argument"), query
    answer = client.delete(RUNS)
    assert refused(answer) == (405, "method_not_allowed")
    assert refused(client.get("/agents/in%00voices")) == (422, "bad_argument")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\invoice.txt", "invoice.txt"),
        ("/etc/cron.d/job.txt", "job.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
    ],
)
def test_uploaded_names_never_become_paths(client: httpx2.Client, name: str, kept: str) -> None:
    run = client.post(RUNS, data={"message": name}, files=[upload(4, name)]).json()
    assert run["input"]["files"][0]["filename"] == kept
    assert run["input"]["files"][0]["file"] == kept


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "nightdrop.example"},
        {"Host": "127.0.0.1.nip.io"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
    ],
)
def test_other_sites_and_names_are_refused(client: httpx2.Client, headers: dict[str, str]) -> None:
    assert refused(client.get("/agents", headers=headers)) == (403, "host_refused")
    assert client.get("/health/live", headers=headers).status_code == 200


def test_this_machine_under_its_own_names(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "localhost"):
        answer = served.client.get("/agents", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == 200, host


def test_health(client: httpx2.Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}
