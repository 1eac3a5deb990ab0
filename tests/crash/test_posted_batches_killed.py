"""kill -9 of the service while a batch is opened, posted to and closed: who was not answered sends the same again."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest

from tests.conftest import rows_at
from tests.http.test_batches import done
from tests.http.test_posted_batches import OPEN, files
from tests.http.test_serve import serving

KEY = {"Idempotency-Key": "tonight"}
BAD = ("files", ("bad.pdf", b"%PDF-no", "application/pdf"))


class Sender:
    """Sends each call until it is answered; a service that was killed is started again, without the fault."""

    def __init__(self, place: str, fault: str, servers: ExitStack) -> None:
        self._place = place
        self._servers = servers
        self.url, self.first = self._start({"NIGHTDROP_FAULT_POINT": fault})

    def _start(self, env: dict[str, str]) -> tuple[str, subprocess.Popen[str]]:
        return self._servers.enter_context(serving(self._place, env=env))

    def send(self, path: str, **given: Any) -> httpx2.Response:
        try:
            return httpx2.post(f"{self.url}{path}", timeout=30, **given)
        except httpx2.HTTPError:
            assert self.killed()
            self.url, _ = self._start({})
        return httpx2.post(f"{self.url}{path}", timeout=30, **given)

    def killed(self) -> bool:
        return self.first.wait(20) == -signal.SIGKILL


@contextmanager
def sender(place: str, fault: str) -> Iterator[Sender]:
    with ExitStack() as servers:
        yield Sender(place, fault, servers)


@pytest.mark.parametrize(
    "fault",
    [
        "batch.opened",
        "accept.stored",
        "accept.commit:2",
        "accept.committed",
        "accept.committed:2",
        "batch.close",
        "batch.closed",
    ],
)
def test_killed_before_the_answer(place: str, fault: str) -> None:
    with sender(place, fault) as service:
        opened = service.send("/batches", json=OPEN, headers=KEY).json()
        documents = f"/batches/{opened['id']}/documents"
        first = service.send(documents, files=[*files(1, 2), BAD])
        second = service.send(documents, files=files(2, 3))
        assert (first.status_code, second.status_code) == (202, 202)
        assert len({item["run_id"] for item in first.json()["items"] + second.json()["items"]}) == 4
        assert service.send(f"/batches/{opened['id']}/close").status_code == 200
        assert service.killed()
        assert service.send("/batches", json=OPEN, headers=KEY).json()["id"] == opened["id"]
        assert service.send(documents, files=files(1)).json()["code"] == "batch_closed"
        with httpx2.Client(base_url=service.url, timeout=30) as client:
            ended = done(client, opened["id"])
            lines = client.get(f"/batches/{opened['id']}/results").text.splitlines()
    assert (ended["status"], ended["total"], ended["done"], ended["failed"]) == ("COMPLETED", 4, 4, 1)
    told = Counter(json.loads(line)["file"].partition("#")[0] for line in lines)
    assert told == {"1.txt": 1, "2.txt": 1, "3.txt": 1, "bad.pdf": 1}
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(4,)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_dead_letters") == [(1,)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_batches") == [(1,)]


@pytest.mark.parametrize("fault", ["attempt.started:2", "result.commit:2", "result.committed:2"])
def test_killed_while_it_reads_what_was_posted(place: str, fault: str) -> None:
    """At whatever call the client is by then: a closed batch ends, an open one takes the rest and then ends."""
    with sender(place, fault) as service:
        batch = service.send("/batches", json=OPEN, headers=KEY).json()["id"]
        for number in range(4):
            assert service.send(f"/batches/{batch}/documents", files=files(number)).status_code == 202
        service.send(f"/batches/{batch}/close")
        assert service.killed()
        assert service.send(f"/batches/{batch}/close").status_code == 200
        with httpx2.Client(base_url=service.url, timeout=30) as client:
            ended = done(client, batch)
    assert (ended["status"], ended["total"], ended["done"], ended["failed"]) == ("COMPLETED", 4, 4, 0)
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs WHERE status = 'COMPLETED'") == [(4,)]
