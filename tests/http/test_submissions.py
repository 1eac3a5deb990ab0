"""The same sent again under its key is one run, whatever dies in between."""

from __future__ import annotations

import signal
import threading
import uuid

import httpx2
import pytest

from nightdrop import clock
from nightdrop.retention import prune
from tests.conftest import rows_at
from tests.http.conftest import Served, until, upload
from tests.http.test_serve import serving

RUNS = "/agents/invoices/runs"
FORM = {"message": "Extract this invoice.", "background": "true"}


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def test_the_same_again_is_the_same_run(client: httpx2.Client) -> None:
    headers = key()
    first = client.post(RUNS, data=FORM, files=[upload(1)], headers=headers)
    second = client.post(RUNS, data=FORM, files=[upload(1)], headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["run_id"] == second.json()["run_id"]
    waited = client.post(RUNS, data={"message": FORM["message"]}, files=[upload(1)], headers=headers)
    assert (waited.status_code, waited.json()["run_id"]) == (200, first.json()["run_id"])
    assert client.post(RUNS, data=FORM, files=[upload(1)]).json()["run_id"] != first.json()["run_id"]


@pytest.mark.parametrize(
    ("form", "number"),
    [({"message": "Another."}, 1), ({}, 2), ({"session_id": "s"}, 1), ({"metadata": '{"a": 1}'}, 1)],
)
def test_another_under_the_same_key_is_refused(client: httpx2.Client, form: dict[str, str], number: int) -> None:
    headers = key()
    client.post(RUNS, data=FORM, files=[upload(1)], headers=headers)
    refused = client.post(RUNS, data={**FORM, **form}, files=[upload(number)], headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("wrong", ["", "x" * 256, "with blank"])
def test_a_key_that_is_none(client: httpx2.Client, wrong: str) -> None:
    refused = client.post(RUNS, data=FORM, files=[upload(1)], headers={"Idempotency-Key": wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_argument")


def test_sent_twice_at_once_it_is_one_run(served: Served) -> None:
    agent, headers, found = served.agent(), key(), []

    def send() -> None:
        answer = httpx2.post(
            f"{served.url}/agents/{agent.id}/runs", data=FORM, files=[upload(3)], headers=headers, timeout=30
        )
        found.append(answer.json()["run_id"])

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(set(found)) == 1
    rows = rows_at(served.place, "SELECT count(*) FROM nightdrop_runs WHERE subject_id = ?", (agent.id,))
    assert rows == [(1,)]


@pytest.mark.parametrize("fault", ["accept.stored", "accept.commit", "accept.committed"])
def test_a_kill_leaves_the_run_and_its_key_or_neither(place: str, fault: str) -> None:
    headers = key()
    with serving(place, env={"NIGHTDROP_FAULT_POINT": fault}) as (url, process):
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(f"{url}{RUNS}", data=FORM, files=[upload(4)], headers=headers, timeout=30)
        assert process.wait(20) == -signal.SIGKILL
    before = rows_at(place, "SELECT run_id FROM nightdrop_runs")
    assert rows_at(place, "SELECT run_id FROM nightdrop_submissions") == before
    assert len(before) == (1 if fault == "accept.committed" else 0)
    with serving(place) as (url, _):
        answer = httpx2.post(f"{url}{RUNS}", data=FORM, files=[upload(4)], headers=headers, timeout=30)
        run_id = answer.json()["run_id"]
        until(lambda: httpx2.get(f"{url}{RUNS}/{run_id}").json()["status"] == "COMPLETED")
    assert rows_at(place, "SELECT run_id FROM nightdrop_runs") == [(run_id,)]


def test_a_key_goes_with_its_run(served: Served) -> None:
    headers = key()
    first = served.client.post(RUNS, data={"message": "Old."}, files=[upload(5)], headers=headers).json()
    now_ms = clock.now_ms() + 60_000
    prune(served.db, now_ms, now_ms=now_ms)
    again = served.client.post(RUNS, data={"message": "Old."}, files=[upload(5)], headers=headers)
    assert (again.status_code, again.json()["run_id"] == first["run_id"]) == (200, False)
