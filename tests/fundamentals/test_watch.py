"""A watched folder: every new or changed document once, also when the folder goes away or the process ends."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent
from nightdrop.errors import SourceNotFound, UsageError
from nightdrop.store.batches import list_batches
from nightdrop.watch import RowsFile
from nightdrop.watch.look import Unread
from tests.conftest import invoice_text
from tests.fundamentals.conftest import until
from tests.fundamentals.watching import watching


def batches_of(agent: Agent, folder: Path) -> int:
    assert agent.db is not None
    with agent.db.read() as connection:
        return len([b for b in list_batches(connection, limit=200) if b.source == str(folder)])


def test_what_comes_in_is_taken_once_and_a_changed_file_again(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.txt").write_text(invoice_text(1))
    with watching(agent, folder, interval_seconds=60) as told:  # changes are told by the operating system
        until(lambda: told.files == ["1.txt"])
        (folder / "2.txt").write_text(invoice_text(2))
        until(lambda: sorted(told.files) == ["1.txt", "2.txt"])
        (folder / "1.txt").write_text(invoice_text(3))
        until(lambda: sorted(told.files) == ["1.txt", "1.txt", "2.txt"])
    assert {row["content"]["invoice_number"] for row in told.rows} == {"INV-00001", "INV-00002", "INV-00003"}
    with watching(agent, folder, once=True) as again:
        pass
    assert (again.rows, again.events) == ([], [])


def test_a_file_waits_until_nobody_writes_to_it(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("old.txt", "new.txt", "old.pdf", "half.txt.part"):
        (folder / name).write_text(invoice_text(len(name)))
    hour_ago = time.time() - 3600
    os.utime(folder / "old.txt", (hour_ago, hour_ago))
    with watching(agent, folder, once=True, settle=600, pattern="*.txt") as told:
        assert told.files == ["old.txt"]


def test_files_are_put_away_once_their_result_is_stored(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.txt").write_text(invoice_text(1))
    (folder / "bad.txt").write_bytes(b"")
    with watching(agent, folder, once=True, after="move:done") as told:
        assert {row["status"] for row in told.rows} == {"COMPLETED", "ERROR"}
        assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.txt")) == ["bad.txt", "done/1.txt"]
    with watching(agent, folder, once=True, after="move:done") as again:
        assert again.rows == []


def test_a_folder_that_goes_away_is_waited_for(agent: Agent, tmp_path: Path) -> None:
    folder, away = tmp_path / "in", tmp_path / "away"
    folder.mkdir()
    (folder / "1.txt").write_text(invoice_text(1))
    with watching(agent, folder) as told:
        until(lambda: told.files == ["1.txt"])
        folder.rename(away)
        until(lambda: "source_gone" in told.events)
        (away / "2.txt").write_text(invoice_text(2))
        away.rename(folder)
        until(lambda: told.files == ["1.txt", "2.txt"])
        assert told.events[-2:] in (["source_gone", "source_back"], ["taken_in", "source_back"])
    folder.rename(away)
    with watching(agent, folder) as told:  # it was there before: no typo
        until(lambda: "source_gone" in told.events)


def test_a_folder_that_never_was_is_a_wrong_call(agent: Agent, tmp_path: Path) -> None:
    for source in (tmp_path / "nowhere", tmp_path / "nowhere" / "*.pdf"):
        with pytest.raises(SourceNotFound), watching(agent, source, once=True):
            pass
    with pytest.raises(UsageError, match="after"), watching(agent, tmp_path, after="burn"):
        pass


def test_what_cannot_be_read_is_not_asked_for_at_every_look(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "gone.txt").symlink_to(tmp_path / "nothing")
    with watching(agent, folder, interval_seconds=0.1) as told:
        until(lambda: told.files == ["gone.txt"])
        before = batches_of(agent, folder)
        (folder / "1.txt").write_text(invoice_text(1))
        until(lambda: sorted(told.files) == ["1.txt", "gone.txt"])
    assert (before, batches_of(agent, folder)) == (1, 2)


def test_rests_grow_and_end_with_the_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("nightdrop.clock.monotonic", lambda: now[0])
    unread, waits = Unread(), []
    for _ in range(9):
        unread.note(["a"])
        began = now[0]
        while unread.is_resting("a"):
            unread.note(["a"])
            now[0] += 60
        waits.append(now[0] - began)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    unread.note([])
    assert not unread.is_resting("a")


def test_rows_are_in_the_file_once_also_after_a_torn_write(agent: Agent, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "rows.jsonl"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(invoice_text(number))
    rows = RowsFile(out)
    with pytest.raises(UsageError, match="another process"):
        RowsFile(out)
    with watching(agent, folder, rows=rows, once=True):
        pass
    rows.close()
    whole = out.read_text().splitlines()
    assert len(whole) == 3
    out.write_text(whole[0] + "\n" + whole[1][:50])  # killed in mid-write
    rows = RowsFile(out)
    with watching(agent, folder, rows=rows, once=True) as told:
        assert len(told.rows) == 2
    rows.close()
    assert sorted(json.loads(line)["run_id"] for line in out.read_text().splitlines()) == sorted(
        json.loads(line)["run_id"] for line in whole
    )


def test_a_row_that_is_being_written_when_the_watch_stops_is_not_written_again(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.txt").write_text(invoice_text(1))
    begun = threading.Event()

    class SlowRows(RowsFile):
        def add(self, row: Mapping[str, Any]) -> None:
            begun.set()
            time.sleep(0.5)
            super().add(row)

    rows = SlowRows(tmp_path / "rows.jsonl")
    with watching(agent, folder, rows=rows) as told:
        assert begun.wait(60)
    rows.close()
    assert told.files == ["1.txt"]
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 1


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text("my notes\n")
    with pytest.raises(UsageError, match="left alone"):
        RowsFile(notes)
    assert notes.read_text() == "my notes\n"
    with pytest.raises(UsageError, match="jsonl"):
        RowsFile(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="cannot be written"):
        RowsFile(tmp_path / "nowhere" / "rows.jsonl")
