"""`nightdrop schedules` and what doctor says of them, by the real commands on both databases."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import finished, nightdrop


def run(place: str, *args: str, code: int = 0) -> tuple[str, str]:
    found, out, err = finished(nightdrop("schedules", *args, "--db", place))
    assert found == code, err
    return out, err


def test_a_schedule_from_the_command_line(place: str) -> None:
    given = ("--cron", "0 2 * * *", "--endpoint", "/agents/a/runs", "--files", "in", "--after", "delete")
    made: dict[str, Any] = json.loads(run(place, "create", "nightly", *given, "--json")[0])
    assert made["payload"] == {"files": "in", "after": "delete"}
    changed = json.loads(run(place, "update", "nightly", "--message", "Read.", "--json")[0])
    assert changed["payload"] == {"files": "in", "after": "delete", "message": "Read."}
    _, err = run(place, "update", "nightly", "--cron", "61 * * * *", code=2)
    assert "schedule_invalid: cron" in err
    assert "schedule_exists" in run(place, "create", "nightly", *given, code=2)[1]

    _, out, _ = finished(nightdrop("doctor", "--db", place))
    assert "no live process fires them" in out

    fired = json.loads(run(place, "trigger", "nightly", "--json")[0])
    page = json.loads(run(place, "runs", "--since", "1d", "--status", "pending", "--json")[0])
    assert ([row["id"] for row in page["items"]], page["next_cursor"]) == ([fired["id"]], None)
    assert json.loads(run(place, "runs", "nightly", "--status", "failed", "--json")[0])["items"] == []
    assert "pending" in run(place, "runs")[0]
    assert "disabled" in run(place, "disable", "nightly")[0] + run(place, "list")[0]
    assert json.loads(run(place, "enable", "nightly", "--json")[0])["next_fire_at"] is not None
    assert "0 2 * * *" in run(place, "show", "nightly")[0]
    run(place, "delete", "nightly")
    assert "schedule_not_found" in run(place, "show", "nightly", code=2)[1]
