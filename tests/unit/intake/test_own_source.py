"""A source that a package brings: found by its entry point, and used as any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.errors import UsageError
from nightdrop.intake.listing import list_source
from nightdrop.intake.sources import source_of
from nightdrop.schemas import Invoice

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sources.md"


def test_the_source_of_the_how_to_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    assert len(code[1].split("class Desk", 1)[1].splitlines()) < 40
    (tmp_path / "desk_package.py").write_text(code[1])
    info = tmp_path / "desk_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nightdrop.sources]\ndesk = desk_package:Desk\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    db = SqliteDb(tmp_path / "nightdrop.db")
    batch = Agent(id="desk", model="local", output_schema=Invoice, db=db).batch("desk://in/")
    assert batch.wait(60).failed == 0
    assert {run.content.invoice_number for run in batch.results()} == {"A-1", "A-2"}
    source = source_of("desk://in/1")
    assert source is not None
    assert source.put_away("desk://in/1", "1", "delete", "run")
    assert [found.url for found in source.list("desk://in/")] == ["desk://in/2"]
    db.close()


def test_a_source_that_does_not_load_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "torn_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torn-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nightdrop.sources]\ntorn = torn_package:Torn\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="torn:// cannot be read: its source torn_package:Torn does not load"):
        list_source("torn://x/")


def test_a_scheme_that_nobody_knows_is_said() -> None:
    with pytest.raises(UsageError, match="nowhere://"):
        list_source("nowhere://x/")
