"""Schedules: each occurrence is fired once, and every fire is a row. Time is an argument here."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, ScheduleManager, ScheduleRun
from nightdrop.clock import now_ms, to_ms
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.schedules import Scheduler, service
from nightdrop.store import Database
from tests.conftest import invoice_text, scan_png
from tests.fundamentals.conftest import thaw, until


class Stage:
    """A schedule of this test's own over a folder, and a scheduler whose clock the test moves."""

    def __init__(self, db: Database, agent: Agent, folder: Path) -> None:
        self.db, self.agent, self.folder = db, agent, folder
        self.manager = ScheduleManager(db)
        self.name = f"nightly-{uuid.uuid4().hex[:8]}"
        self.start = now_ms() // 86_400_000 * 86_400_000 + 86_400_000  # the next midnight
        self.scheduler = Scheduler(portal().call(engine_for(db)))

    def create(self, payload: dict[str, Any] | None = None, **fields: Any) -> str:
        given = {"files": str(self.folder), "message": "Extract.", **(payload or {})}
        endpoint = fields.pop("endpoint", f"/agents/{self.agent.id}/runs")
        made = {"name": self.name, "cron": "0 2 * * *", "endpoint": endpoint, "payload": given, **fields}
        service.create_schedule(self.db, made, now_ms=self.start)
        return self.name

    def write(self, number: int, name: str | None = None, age: float = 60) -> Path:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / (name or f"{number}.txt")
        path.write_text(invoice_text(number))
        when = self.start / 1000 - age
        os.utime(path, (when, when))
        return path

    def tick(self, hours: float) -> list[ScheduleRun]:
        """Look at everything so many hours after the start; the rows, oldest first."""
        portal().call(self.scheduler.tick(self.start + int(hours * 3_600_000)))
        return self.rows()

    def rows(self) -> list[ScheduleRun]:
        return list(reversed(self.manager.get_runs(self.name)))

    def ended(self, hours: float) -> list[ScheduleRun]:
        """Tick until no row is open."""
        until(lambda: not any(row.status.is_open for row in self.tick(hours)))
        return self.rows()

    def statuses(self) -> list[str]:
        return [row.status.value for row in self.rows()]


@pytest.fixture
def stage(db: Database, agent: Agent, tmp_path: Path) -> Any:
    made = Stage(db, agent, tmp_path / "drop")
    yield made
    service.delete_schedule(db, made.name)
    portal().call(made.scheduler.stop())


def test_a_fire_takes_what_is_new(stage: Stage) -> None:
    """The first fire takes two documents, the next none, the third the changed one."""
    stage.write(1)
    stage.write(2)
    stage.create()
    assert stage.tick(1) == []
    (row,) = stage.ended(2)
    assert (row.status.value, row.status_code, row.run_id, row.attempt) == ("success", 202, None, 1)
    assert to_ms(row.scheduled_for) == stage.start + 2 * 3_600_000  # type: ignore[arg-type]
    assert total(stage, row) == 2
    assert total(stage, stage.ended(26)[-1]) == 0
    stage.write(3, "2.txt", age=30)
    assert total(stage, stage.ended(50)[-1]) == 1
    assert stage.statuses() == ["success"] * 3


def total(stage: Stage, row: ScheduleRun) -> int:
    from nightdrop.store.batches import load_batch

    assert row.batch_id is not None
    with stage.db.read() as connection:
        batch = load_batch(connection, row.batch_id)
    assert batch is not None
    return batch.total


def test_unfinished_files_are_left_alone(stage: Stage) -> None:
    """Endings .part and .tmp, and whatever was written to within settle_seconds; also by a glob."""
    for ending in ("part", "tmp"):
        stage.write(1, f"a.{ending}")
    stage.write(2, "fresh.txt", age=-2 * 3600 + 3)
    stage.write(3, "settled.txt")
    stage.create({"files": f"{stage.folder}/*"})
    assert total(stage, stage.ended(2)[0]) == 1
    assert total(stage, stage.ended(26)[1]) == 1  # the fresh one has settled


def test_after_moves_only_what_is_committed(stage: Stage) -> None:
    """The good document goes to done/, the failed one stays, and nothing in done/ is taken again."""
    good, bad = stage.write(1), stage.write(2, "bad.txt")
    bad.write_bytes(b"")
    os.utime(bad, (stage.start / 1000 - 60,) * 2)
    stage.create({"after": "move:done/"})
    (row,) = stage.ended(2)
    assert (row.status.value, row.error) == ("partial", "documents: 1 of 2 failed")
    until(lambda: stage.tick(3) and not good.exists())
    assert (stage.folder / "done" / "1.txt").exists()
    assert bad.exists()
    assert total(stage, stage.ended(26)[-1]) == 0


def test_after_deletes(stage: Stage) -> None:
    path = stage.write(1)
    stage.create({"after": "delete"})
    stage.ended(2)
    until(lambda: stage.tick(3) and not path.exists())


def test_a_missing_folder_is_a_failed_row_and_an_empty_glob_a_success(stage: Stage) -> None:
    stage.create()
    (row,) = stage.ended(2)
    assert (row.status.value, row.status_code) == ("failed", 422)
    assert "source_not_found" in str(row.error)
    stage.manager.update(stage.name, payload={"files": f"{stage.folder}/*.pdf"})
    assert stage.ended(26)[-1].status.value == "success"


def test_an_agent_that_nobody_has_loaded_is_a_failed_row(stage: Stage) -> None:
    stage.create(endpoint="/agents/nobody/runs")
    (row,) = stage.ended(2)
    assert (row.status.value, row.status_code) == ("failed", 404)
    assert "agent_not_loaded" in str(row.error)


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("one", ["missed", "missed", "success"]),
        ("all", ["success", "success", "success"]),
        ("none", ["missed", "missed", "missed"]),
    ],
)
def test_catching_up(stage: Stage, catch_up: str, expected: list[str]) -> None:
    """Nobody fired for three days."""
    stage.write(1)
    stage.create(catch_up=catch_up)
    rows = stage.ended(51)
    assert sorted(row.status.value for row in rows) == sorted(expected)
    assert [row.status.value for row in sorted(rows, key=lambda r: r.scheduled_for or datetime.now(UTC))] == expected
    assert all("catch_up" in str(row.error) for row in rows if row.status.value == "missed")
    assert stage.tick(51) == rows


def test_none_still_fires_what_is_on_time(stage: Stage) -> None:
    stage.write(1)
    stage.create(catch_up="none")
    assert [row.status.value for row in stage.ended(2 + 30 / 3600)] == ["success"]


@pytest.mark.parametrize(("overlap", "second"), [("skip", "skipped"), ("queue", "pending"), ("allow", "running")])
@pytest.mark.usefixtures("frozen_readers")
def test_overlapping_fires(stage: Stage, overlap: str, second: str) -> None:
    """The first fire is still at it (its documents cannot be read) as the second is due."""
    stage.write(1)
    stage.create(overlap=overlap, timeout_seconds=30 * 86_400)
    assert [row.status.value for row in stage.tick(2)] == ["running"]
    stage.write(2)
    assert [row.status.value for row in stage.tick(26)] == ["running", second]


@pytest.mark.usefixtures("frozen_readers")
def test_a_timeout_cancels_and_is_tried_again(stage: Stage) -> None:
    stage.write(1)
    stage.create(timeout_seconds=600, max_retries=1, retry_delay_seconds=60)
    assert [row.status.value for row in stage.tick(2)] == ["running"]
    until(lambda: total(stage, stage.rows()[0]) == 1)
    first, second = stage.tick(2.2)
    assert (first.status.value, first.status_code, second.attempt) == ("timed_out", 504, 2)
    assert second.status.value == "pending"
    assert (second.scheduled_for, second.batch_id) == (first.scheduled_for, first.batch_id)
    assert [row.status.value for row in stage.tick(2.21)] == ["timed_out", "pending"]
    until(lambda: [row.status.value for row in stage.tick(2.3)] == ["timed_out", "running"])
    thaw()
    assert [row.status.value for row in stage.ended(2.31)] == ["timed_out", "success"]
    assert total(stage, second) == 1


@pytest.mark.usefixtures("frozen_readers")
def test_a_long_run_is_fired_once(stage: Stage) -> None:
    """Open for ten minutes, looked at every minute."""
    stage.write(1)
    stage.create()
    for minute in range(11):
        assert [row.status.value for row in stage.tick(2 + minute / 60)] == ["running"]
    thaw()
    assert [row.status.value for row in stage.ended(2.2)] == ["success"]


def test_without_documents_a_fire_is_one_run(stage: Stage) -> None:
    """The local model reads one document per run: an error that another try cannot help is not retried."""
    stage.create({"files": None}, max_retries=3)
    (row,) = stage.ended(2)
    assert (row.status.value, row.batch_id, row.attempt) == ("failed", None, 1)
    run = stage.agent.get_run_output(str(row.run_id))
    assert (run.schedule_run_id, row.completed_at) == (row.id, run.completed_at)
    assert str(run.error) == row.error


def test_a_trigger_is_its_own_time_and_fires_a_disabled_schedule(stage: Stage) -> None:
    stage.write(1)
    stage.create(enabled=False)
    assert stage.manager.get(stage.name).next_fire_at is None
    moment = datetime.now(UTC)
    assert stage.manager.trigger(stage.name).status.value == "pending"
    (row,) = stage.ended(1)
    assert row.status.value == "success"
    assert abs(row.scheduled_for - moment) < timedelta(seconds=5)  # type: ignore[operator]


@pytest.mark.parametrize(("retryable", "attempts"), [(True, [1, 2]), (False, [1])])
def test_only_what_may_pass_is_retried(stage: Stage, retryable: bool, attempts: list[int]) -> None:
    """Of two documents one fails: whether its error is retryable decides if there is a second row, over it alone."""
    good = stage.write(1)
    picture = stage.folder / "scan.png"
    picture.write_bytes(scan_png())
    os.utime(picture, (good.stat().st_mtime,) * 2)
    stage.create(max_retries=1, retry_delay_seconds=60)
    stage.tick(2)
    where = f"subject_id = '{stage.agent.id}' AND status = 'ERROR'"

    def failed() -> int:
        with stage.db.write() as connection:
            change = f"UPDATE nightdrop_runs SET error_retryable = {retryable} WHERE {where}"
            return int(connection.exec_driver_sql(change).rowcount)

    until(failed)
    until(lambda: stage.tick(2.001)[0].status.value == "partial")
    assert [row.attempt for row in stage.rows()] == attempts
    rows = stage.ended(2.1)
    assert [row.status.value for row in rows] == ["partial"] * len(attempts)
    assert len({row.batch_id for row in rows}) == 1
