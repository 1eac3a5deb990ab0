"""Commands that change something on a desk say with --json what they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nightdrop import SqliteDb
from nightdrop.cli import cli


def said(*command: str) -> Any:
    done = CliRunner().invoke(cli, [*command, "--db", "desk.db", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_what_was_done_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with SqliteDb("desk.db").read():
        pass
    assert said("providers", "pause", "openai", "--reason", "a key") == {"name": "openai", "reason": "a key"}
    assert said("providers", "resume", "openai") == {"name": "openai", "freed": 0}
    made = said("sinks", "create", "sheet", "all.csv")
    assert (made["name"], made["url"]) == ("sheet", str(tmp_path / "all.csv"))
    assert said("deliveries", "retry", "--sink", "sheet") == {"on_the_way": 0}
    assert said("sinks", "list")["items"] == [made]
    checked = said("prices", "check", "openai:gpt-4o-mini")
    assert (checked["next_cursor"], len(checked["items"])) == (None, 1)
