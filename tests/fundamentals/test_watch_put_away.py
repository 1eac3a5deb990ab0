"""A file that is put away after it was listed, and before it is looked at or read, is no failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nightdrop import Agent
from nightdrop.batch.readers import Readers
from nightdrop.intake.listing import Entry
from nightdrop.intake.take import Listed, Taken
from nightdrop.schedules.listing import settled_files
from nightdrop.store.batches import list_batches
from tests.conftest import invoice_text
from tests.fundamentals.watching import watching


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.txt").write_text(invoice_text(number))
    return folder


def back_under_another_name(agent: Agent, folder: Path, away: Path) -> None:
    """Then it is another file, and taken in."""
    away.rename(folder / "3.txt")
    with watching(agent, folder, once=True) as told:
        assert [(row["status"], row["file"]) for row in told.rows] == [("COMPLETED", str(folder / "3.txt"))]


def test_between_the_listing_and_the_look(agent: Agent, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = folder.parent / "away"

    def put_away(files: Iterator[Entry]) -> Iterator[Entry]:
        for file in files:
            if not away.exists():
                (folder / "1.txt").rename(away)
            yield file

    with watching(agent, folder, once=True) as told:
        assert sorted(told.files) == ["1.txt", "2.txt"]
    assert agent.db is not None
    with agent.db.read() as connection:
        before = list_batches(connection, limit=200)
    with monkeypatch.context() as patch:
        patch.setattr("nightdrop.watch.look.settled_files", lambda *given: put_away(settled_files(*given)))
        with watching(agent, folder, once=True) as again:
            assert again.rows == []
    assert away.exists()
    with agent.db.read() as connection:
        assert list_batches(connection, limit=200) == before, "nothing new makes no batch"
    back_under_another_name(agent, folder, away)


def test_between_the_look_and_the_reading(agent: Agent, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = folder.parent / "away"
    take = Readers.take

    def late(self: Readers, portion: Sequence[Listed]) -> list[Taken]:
        with monkeypatch.context() as patch:
            patch.setattr(Readers, "take", take)
            if not away.exists():
                with watching(agent, folder, once=True) as told:  # meanwhile another watch takes both in
                    assert sorted(told.files) == ["1.txt", "2.txt"]
                (folder / "1.txt").rename(away)
        return take(self, portion)

    with monkeypatch.context() as patch:
        patch.setattr(Readers, "take", late)
        with watching(agent, folder, once=True) as again:
            assert again.rows == [], "nothing of it is to be done, and nothing has failed"
    assert away.exists()
    back_under_another_name(agent, folder, away)
