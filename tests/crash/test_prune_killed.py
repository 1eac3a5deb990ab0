"""kill -9 of prune and forget at every fault point, then again: nothing that is needed is lost, nothing else stays."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from nightdrop.faults import POINTS
from nightdrop.store.place import database_at
from tests.conftest import finished, nightdrop, rows_at

PRUNING = [p for p in POINTS if p.startswith("prune.")]


def _count(s: Any, what: str) -> int:
    return int(rows_at(s.place, f"SELECT count(*) FROM {what}")[0][0])


def _stored(s: Any) -> int:
    """How many files (or rows, on Postgres) of documents' bytes there are."""
    if "://" in s.place:
        return _count(s, "nightdrop_blob_chunks")
    return sum(p.is_file() for p in Path(f"{s.place}.blobs").rglob("*"))


def _ran(s: Any, *args: str | Path, fault: str | None = None) -> tuple[int, str]:
    env = {} if fault is None else {"NIGHTDROP_FAULT_POINT": fault}
    code, _, err = finished(nightdrop(*args, "--db", s.place, env=env))
    return code, err


@pytest.mark.parametrize("fault", PRUNING)
def test_prune_killed_at_a_fault_point(scene: Any, fault: str) -> None:
    s = scene(8)
    s.finish()
    kept = s.folder / "invoice-00000.txt"
    code, _, err = finished(_start_single(s, kept))
    assert code == 0, err
    old = "UPDATE nightdrop_runs SET completed_at = 1 WHERE message = 'Read.'"
    _execute(s.place, old)
    code, err = _ran(s, "prune", "--older-than", "30d", fault=fault)
    assert code == -signal.SIGKILL, err
    code, err = _ran(s, "prune", "--older-than", "30d")
    assert code == 0, err
    assert (_count(s, "nightdrop_runs"), _count(s, "nightdrop_documents")) == (1, 1)
    assert _count(s, "nightdrop_run_files") == 1
    assert _count(s, "workflow_status" if "://" not in s.place else "dbos.workflow_status") == 1
    assert _stored(s) == 1, "the pack, for the document that is still needed"
    (sha,) = rows_at(s.place, "SELECT sha256 FROM nightdrop_documents")[0]
    code, err = _ran(s, "forget", str(sha), "--yes", fault=fault)
    assert code == -signal.SIGKILL, err
    code, err = _ran(s, "forget", str(sha), "--yes")
    assert code == 0 or "document_not_found" in err, err
    assert (_count(s, "nightdrop_runs"), _count(s, "nightdrop_documents")) == (0, 0)
    assert _stored(s) == 0


def _start_single(s: Any, document: Path) -> Any:
    """The same document under another message: a run of its own, not old."""
    from tests.crash.conftest import APP

    env = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place}
    return nightdrop("run", document, "--agent", f"{APP}:agent", "--message", "Again.", env=env)


def _execute(place: str, sql: str) -> None:
    db = database_at(place)
    with db.write() as connection:
        connection.exec_driver_sql(sql)
    db.close()
