"""Documents on servers, through batches and schedules: once each, put away after the commit, no password anywhere."""

from __future__ import annotations

import io
import logging
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, ScheduleManager, SqliteDb
from nightdrop.clock import now_ms
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.schedules import Scheduler, service
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.fundamentals.conftest import until
from tests.sources.drop import Drop

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC

DAY = 86_400_000


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def test_a_batch_over_a_server_is_one_result_each_and_known_the_next_time(
    drop: Drop, agent: Agent, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG, logger="nightdrop")
    for number in range(12):
        drop.write(f"{number:02}.txt", invoice_text(number).encode())
    drop.write("sub/copy.txt", invoice_text(3).encode())
    drop.write("empty.txt", b"")
    progress = agent.batch(drop.url).wait(60)
    assert (progress.total, progress.failed, progress.skipped, progress.documents) == (14, 1, 1, 13)
    assert {run.input.files[0].source for run in agent.batch(drop.url).results()} >= {f"{drop.url}/00.txt"}
    assert agent.batch(drop.url).wait(60).skipped == 13
    agent.db.close()  # type: ignore[union-attr]
    for path in tmp_path.glob("nightdrop.db*"):
        assert path.is_dir() or drop.word.encode() not in path.read_bytes()
    assert drop.word not in caplog.text


class Night:
    """A schedule over a drop and a scheduler whose clock the test moves."""

    def __init__(self, agent: Agent, payload: dict[str, Any]) -> None:
        assert agent.db is not None
        self.manager = ScheduleManager(agent.db)
        self.name = f"nightly-{uuid.uuid4().hex[:8]}"
        self.start = now_ms() // DAY * DAY + DAY
        fields = {"name": self.name, "cron": "0 2 * * *", "endpoint": "/agents/remote/runs", "payload": payload}
        service.create_schedule(agent.db, fields, now_ms=self.start)
        self.scheduler = Scheduler(portal().call(engine_for(agent.db)))

    def fire(self, night: int) -> tuple[str, int]:
        """(status, documents) of this night's fire once it has ended."""
        at = self.start + (night * 24 + 2) * 3_600_000
        until(lambda: portal().call(self.scheduler.tick(at)) or self._ended(night))
        row = self.manager.get_runs(self.name)[0]
        return row.status.value, self._total(row.batch_id)

    def _ended(self, night: int) -> bool:
        rows = self.manager.get_runs(self.name)
        return len(rows) == night + 1 and not any(row.status.is_open for row in rows)

    def _total(self, batch_id: str | None) -> int:
        from nightdrop.store.batches import load_batch

        with self.manager.db.read() as connection:
            batch = load_batch(connection, str(batch_id))
        assert batch is not None
        return batch.total

    def look(self) -> None:
        portal().call(self.scheduler.tick(self.start + 3 * 3_600_000))

    def stop(self) -> None:
        portal().call(self.scheduler.stop())


def test_a_schedule_takes_what_is_new_and_moves_what_is_committed(drop: Drop, agent: Agent) -> None:
    drop.write("1.txt", invoice_text(1).encode())
    drop.write("bad.txt", b"")
    night = Night(agent, {"message": "Extract.", "files": drop.url, "after": "move:done/"})
    assert night.fire(0) == ("partial", 2)
    until(lambda: (night.look(), drop.names() == {"done/1.txt", "bad.txt"})[1])
    assert night.fire(1) == ("success", 0)  # the bad one is known, what was moved is not taken again
    drop.write("2.txt", invoice_text(2).encode())
    assert night.fire(2) == ("success", 1)
    until(lambda: (night.look(), drop.names() == {"done/1.txt", "done/2.txt", "bad.txt"})[1])
    night.stop()


def test_members_of_an_archive_are_documents(drop: Drop, agent: Agent) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3):
            archive.writestr(f"in/{number}.txt", invoice_text(number))
        archive.writestr("in/readme.md", "not this one")
    drop.write("week.zip", out.getvalue())
    url = f"zip://in/*.txt::{drop.url}/week.zip"
    batch = agent.batch(url)
    assert (batch.wait(60).total, batch.wait(60).failed) == (3, 0)
    sources = {run.input.files[0].source for run in batch.results()}
    assert sources == {f"zip://in/{number}.txt::{drop.url}/week.zip" for number in range(3)}
    assert {run.input.files[0].filename for run in batch.results()} == {"0.txt", "1.txt", "2.txt"}
