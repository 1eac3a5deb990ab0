"""Plays the blocks of one page in order, in the current folder. Run as a script: `play_page.py steps.json`.

A step is {"kind": "python" | "file" | "console", "line": int, "text": str, "title": str | None}. Exits 1 at the first
one that fails, saying on stderr where and why.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import traceback
import types
from pathlib import Path

_COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*nightdrop\b.*")
_NEWEST = {
    "BATCH_ID": "SELECT batch_id FROM nightdrop_batches ORDER BY batch_id DESC LIMIT 1",
    "RUN_ID": "SELECT run_id FROM nightdrop_runs WHERE status = 'COMPLETED' ORDER BY run_id DESC LIMIT 1",
}


class Wrong(Exception):
    """A page says something that is not so; `line` counts within the block."""

    def __init__(self, line: int, why: str) -> None:
        self.line = line
        super().__init__(why)


def play_python(text: str, page: str, line: int, space: types.ModuleType) -> None:
    """Execute a block in the page's namespace, with the page's own line numbers in tracebacks."""
    exec(compile("\n" * (line - 1) + text, page, "exec"), space.__dict__)


def play_console(text: str) -> None:
    """Execute the commands of a block; their exit codes and the shown output must be as the page says."""
    for at, command, expected, shown in commands(text):
        if not _COMMAND.fullmatch(command):
            continue
        ended = subprocess.run(
            ["sh", "-c", with_ids(command) + "; exit $?"],
            capture_output=True,
            text=True,
            timeout=100,
            stdin=subprocess.DEVNULL,
        )
        output = ended.stdout + ended.stderr
        if ended.returncode != expected:
            raise Wrong(at, f"$ {command}\nexit code {ended.returncode}, the page says {expected}:\n{output}")
        missing = first_missing(shown, output)
        if missing is not None:
            raise Wrong(at, f"$ {command}\nits output has no line (or not in this order)\n  {missing}\nbut\n{output}")


def commands(text: str) -> list[tuple[int, str, int, list[str]]]:
    """(line, command, exit code, shown output) of each `$ ` line; `$ echo $?` gives the code of the one before."""
    found: list[tuple[int, str, int, list[str]]] = []
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if line == "$ echo $?":
            found[-1] = (*found[-1][:2], int(lines[at + 1]), found[-1][3])
        elif line.startswith("$ "):
            found.append((at, line.removeprefix("$ "), 0, []))
        elif at and lines[at - 1] != "$ echo $?":
            found[-1][3].append(line)
    return found


def with_ids(command: str) -> str:
    """The command with RUN_ID and BATCH_ID replaced by the newest of its database."""
    named = re.search(r"--db (\S+)", command)
    for word, query in _NEWEST.items():
        if word in command:
            with sqlite3.connect(named[1] if named else "nightdrop.db") as connection:
                command = command.replace(word, connection.execute(query).fetchone()[0])
    return command


def first_missing(shown: list[str], output: str) -> str | None:
    """The first shown line that the output does not have behind the ones before it."""
    rest = iter([" ".join(line.split()) for line in output.splitlines()])
    for line in shown:
        if line.strip() in ("...", ""):
            continue
        parts = [re.escape(" ".join(part.split())) for part in line.split("...")]
        pattern = re.compile(r"\s*.*\s*".join(parts))
        if not any(pattern.fullmatch(found) for found in rest):
            return line
    return None


def play(page: str, steps: list[dict[str, object]]) -> None:
    """Every step in order."""
    space = types.ModuleType("example")
    sys.modules["example"] = space
    sys.path.insert(0, os.getcwd())
    for step in steps:
        line, text = int(str(step["line"])), str(step["text"])
        try:
            if step["kind"] == "file":
                Path(str(step["title"])).write_text(text, encoding="utf-8")
            elif step["kind"] == "python":
                play_python(text, page, line, space)
            else:
                play_console(text)
        except Wrong as wrong:
            sys.exit(f"{page}:{line + wrong.line}: {wrong}")
        except Exception:
            sys.exit(f"{page}: the example that begins in line {line} fails\n{traceback.format_exc()}")


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    play(given["page"], given["steps"])
