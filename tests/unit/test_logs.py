"""Log lines for machines, and what the settings make of a command's log."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from tests.conftest import finished, nightdrop

from nightdrop.logs import JsonFormatter, about


def line(record: logging.LogRecord) -> dict[str, object]:
    found = json.loads(JsonFormatter().format(record))
    assert isinstance(found, dict)
    return found


def record(**given: object) -> logging.LogRecord:
    usual = {"name": "n", "levelno": 30, "levelname": "WARNING", "msg": "%s!", "args": ("ü",), "created": 0.5}
    return logging.makeLogRecord({**usual, **given})


def test_a_line_is_one_json_object() -> None:
    assert line(record()) == {"time": "1970-01-01T00:00:00.500Z", "level": "warning", "logger": "n", "message": "ü!"}
    assert "\n" not in JsonFormatter().format(record(msg="a\nb", args=()))


def test_what_it_is_about_is_in_it_and_ends_with_the_block() -> None:
    with about(run_id="r", batch_id=None), about(attempt=2):
        assert line(record())["run_id"] == "r"
        assert line(record())["attempt"] == 2
        assert "batch_id" not in line(record())
    assert "run_id" not in line(record())


def test_extras_and_exceptions_are_kept() -> None:
    try:
        raise ValueError("what")
    except ValueError:
        found = line(record(number=7, place=Path("/a"), exc_info=sys.exc_info()))
    assert (found["number"], found["place"]) == (7, "/a")
    assert "ValueError: what" in str(found["exception"])


def test_a_command_logs_as_the_settings_say(tmp_path: Path, invoices: object) -> None:
    folder = invoices(1)  # type: ignore[operator]
    env = {"NIGHTDROP_LOG_FORMAT": "json", "NIGHTDROP_LOG_LEVEL": "info"}
    code, out, err = finished(nightdrop("run", folder, "--db", tmp_path / "n.db", "--json", env=env))
    assert code == 0, err
    lines = [json.loads(text) for text in err.splitlines()]
    (end,) = [found for found in lines if found["message"] == "COMPLETED"]
    assert (end["logger"], end["agent_id"]) == ("nightdrop.engine", "local-invoice")
    assert end["batch_id"] == json.loads(out)["id"]
    code, _, err = finished(nightdrop("batches", "list", env={"NIGHTDROP_LOG_FORMAT": "xml"}))
    assert (code, "bad_argument" in err, "NIGHTDROP_LOG_FORMAT" in err) == (2, True, True)
