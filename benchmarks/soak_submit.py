"""Hands documents in until SOAK_STOP exists, and may be killed at any moment:

    python soak_submit.py single|batch SEED FIRST JOURNAL

single: background runs, one by one; each returned run_id is in the journal, synced, before the next is handed in.
batch: folders of documents, one batch at a time; each is in the journal before it is begun. A new process goes on
where the journal ends: what its predecessor had handed in without writing it down is handed in again.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from soak_app import MESSAGE, agent, document, lines

from nightdrop import File

BATCH = 25
PAUSE_SECONDS = 0.1


def write(journal: Path, line: dict[str, object]) -> None:
    with journal.open("a") as out:
        out.write(json.dumps(line) + "\n")
        out.flush()
        os.fsync(out.fileno())


def cut_torn_line(journal: Path) -> None:
    """Drop what a kill left of a line."""
    if journal.exists():
        data = journal.read_bytes()
        journal.write_bytes(data[: data.rfind(b"\n") + 1])


def single(seed: int, first: int, journal: Path, stop: Path) -> None:
    number = first + len(lines(journal))
    while not stop.exists():
        file = File(content=document(seed, number), filename=f"{number}.pdf", mime_type="application/pdf")
        run = agent.run(MESSAGE, files=[file], session_id=f"document-{number}", background=True)
        write(journal, {"number": number, "run_id": run.run_id})
        number += 1
        time.sleep(PAUSE_SECONDS)


def batch(seed: int, first: int, journal: Path, stop: Path) -> None:
    done = lines(journal)
    begun = [line for line in done if "folder" in line]
    ended = sum("ended" in line for line in done)
    while not stop.exists() or len(begun) > ended:
        if len(begun) == ended:
            start = first + BATCH * len(begun)
            folder = journal.parent / f"batch-{start}"
            folder.mkdir(exist_ok=True)
            for number in range(start, start + BATCH):
                (folder / f"{number}.pdf").write_bytes(document(seed, number))
            begun.append({"folder": str(folder), "first": start, "count": BATCH})
            write(journal, begun[-1])
        made = agent.batch(str(begun[-1]["folder"]), MESSAGE)
        made.wait()
        ended += 1
        write(journal, {"ended": made.id})


if __name__ == "__main__":
    role, seed, first, journal = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    cut_torn_line(journal)
    (single if role == "single" else batch)(seed, first, journal, Path(os.environ["SOAK_STOP"]))
