"""What must be true when a soak has ended: each sentence that it returns is a broken promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from soak_app import is_refused, lines

from nightdrop.store import Database
from nightdrop.testing import MeterCall

MOST_SHOWN = 5


class Evidence:
    """Everything that the database says at the end."""

    def __init__(self, db: Database) -> None:
        def all_of(sql: str) -> list[Any]:
            with db.read() as connection:
                return list(connection.execute(sa.text(sql)).mappings())

        self.runs = all_of(
            "SELECT r.run_id, r.session_id, r.is_current, r.status, r.error_code, r.error_message, r.executor_id, "
            "r.content, r.deaths, r.crashes, f.sha256 FROM nightdrop_runs r "
            "LEFT JOIN nightdrop_run_files f ON f.run_id = r.run_id"
        )
        self.by_id = {run["run_id"]: run for run in self.runs}
        self.by_sha: dict[str, list[Any]] = {}
        for run in self.runs:
            self.by_sha.setdefault(run["sha256"], []).append(run)
        self.calls = all_of(
            "SELECT call_id, run_id, attempt, closed_at, outcome, input_tokens, output_tokens "
            "FROM nightdrop_model_calls"
        )
        self.letters = all_of("SELECT run_id, code FROM nightdrop_dead_letters")


def handed_in(journals: list[Path]) -> Iterator[tuple[int, str, str | None]]:
    """Every document that was handed in for sure: (number, folder or journal, run_id)."""
    for journal in journals:
        for line in lines(journal):
            if "run_id" in line:
                yield int(str(line["number"])), journal.name, str(line["run_id"])
            elif "folder" in line:
                first, count = int(str(line["first"])), int(str(line["count"]))
                yield from ((number, str(line["folder"]), None) for number in range(first, first + count))


def broken(found: Evidence, journals: list[Path], shas: dict[int, str], meter: list[MeterCall]) -> list[str]:
    """The promises that do not hold."""
    said: list[str] = []
    for name, problems in (
        ("handed in, and not rightly ended", list(_not_ended(found, journals, shas))),
        ("open", [str(dict(r)) for r in found.runs if r["status"] not in ("COMPLETED", "ERROR")]),
        ("more than one run of a document", _more_than_one(found)),
        (
            "COMPLETED without content",
            [r["run_id"] for r in found.runs if r["status"] == "COMPLETED" and not r["content"]],
        ),
        ("dead letters are not the failed runs", _letters(found)),
        ("a recorded answer was asked for again", _repeated(found)),
        ("the ledger does not cover the meter", list(_not_covered(found, meter))),
    ):
        if problems:
            more = f" ... and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
            said.append(f"{len(problems)} x {name}: " + "; ".join(map(str, problems[:MOST_SHOWN])) + more)
    return said


def _not_ended(found: Evidence, journals: list[Path], shas: dict[int, str]) -> Iterator[str]:
    for number, where, run_id in handed_in(journals):
        runs = found.by_sha.get(shas[number], []) if run_id is None else [found.by_id.get(run_id)]
        if not runs or runs[0] is None:
            yield f"document {number} ({where}) has no run"
            continue
        expected = ("ERROR", "answer_refused") if is_refused(number) else ("COMPLETED", None)
        got = (runs[0]["status"], runs[0]["error_code"])
        if got != expected:
            yield f"document {number} ({where}), run {runs[0]['run_id']}: {got}, not {expected}: {dict(runs[0])}"


def _more_than_one(found: Evidence) -> list[str]:
    sessions = Counter(run["session_id"] for run in found.runs)
    current = Counter(run["session_id"] for run in found.runs if run["is_current"])
    return [s for s, count in sessions.items() if count != 1 or current[s] != 1]


def _letters(found: Evidence) -> list[str]:
    failed = Counter(run["run_id"] for run in found.runs if run["status"] == "ERROR")
    letters = Counter(letter["run_id"] for letter in found.letters)
    return sorted((failed - letters) | (letters - failed))


def _repeated(found: Evidence) -> list[str]:
    answered = Counter((c["run_id"], c["attempt"]) for c in found.calls if c["outcome"] == "answered")
    return [f"{run_id}: {count} answers" for (run_id, _), count in answered.items() if count > 1]


def _not_covered(found: Evidence, meter: list[MeterCall]) -> Iterator[str]:
    ledger = {call["call_id"]: call for call in found.calls}
    for call_id, count in Counter(call.call_id for call in meter).items():
        if count > 1:
            yield f"call {call_id} was sent {count} times"
    for call in meter:
        if not call.billed:
            continue
        row = ledger.get(call.call_id or "")
        if row is None:
            yield f"billed and unknown here: {call}"
        elif row["closed_at"] is not None and _tokens(row) != (call.input_tokens, call.output_tokens):
            yield f"closed with other tokens: {dict(row)}, {call}"


def _tokens(row: Any) -> tuple[int, int]:
    return row["input_tokens"], row["output_tokens"]
