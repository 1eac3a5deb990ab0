"""`nightdrop demo`: a minute, no key, no network; twice, once into a pipe and once on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import Ended, called, together

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Demo:
    root: Path
    piped: Ended
    screen: str
    code: int

    @property
    def text(self) -> str:
        """The terminal's output without colours and cursor movements."""
        return _ESCAPES.sub("", self.screen).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("demo")
    (piped,) = together(["demo"], cwd=root)
    code, screen = on_terminal(root, "demo")
    return Demo(root=root, piped=piped, screen=screen, code=code)


def on_terminal(root: Path, *args: str, columns: int = 80) -> tuple[int, str]:
    """A command on a pseudo terminal of this width: its exit code and everything it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")} | {
        "TERM": "xterm-256color"
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "nightdrop", *args], cwd=root, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(ours)
    return process.wait(timeout=60), b"".join(chunks).decode()


def test_it_comes_out_as_expected(demo: Demo) -> None:
    assert demo.piped.code == 0, demo.piped.out
    assert "12 documents: 9 completed, 2 failed, 1 skipped" in demo.piped.out
    assert ", 0 surprises" in demo.piped.out


def test_a_pipe_gets_plain_lines_with_full_codes(demo: Demo) -> None:
    both = demo.piped.out + demo.piped.err
    assert "\x1b" not in both
    assert "\r" not in both
    letters = demo.piped.out.split("Dead letters", 1)[1]
    assert re.search(r"^pdf_corrupt +download \(3\)\.pdf +\S", letters, re.M)
    assert re.search(r"^pdf_encrypted +TKS-2026-0203 CONFIDENTIAL\.pdf +\S", letters, re.M)
    assert re.search(r"^12/12 documents: ", demo.piped.err, re.M)


def test_the_second_run_reuses_every_result(demo: Demo) -> None:
    assert demo.code == 0, demo.text
    assert "12 documents: 0 completed, 2 failed, 10 skipped (known already)" in demo.text


def test_a_terminal_of_80_columns_shows_a_bar_and_whole_codes(demo: Demo) -> None:
    assert "━" in demo.screen, "no bar was drawn"
    assert re.search(r"12/12", demo.text)
    letters = demo.text.split("Dead letters", 1)[1]
    assert re.search(r"^pdf_corrupt ", letters, re.M)
    assert re.search(r"^pdf_encrypted ", letters, re.M)
    assert "…" not in demo.text
    assert [line for line in letters.split("Against", 1)[0].splitlines() if len(line) > 80] == []


def test_a_terminal_of_80_columns_folds_names_and_loses_nothing(demo: Demo) -> None:
    """Dates and amounts stand whole; a long file name goes on in the next line of its column."""
    header, *lines = demo.text.split("\nResults\n", 1)[1].split("12 documents:", 1)[0].splitlines()
    assert all(len(line) <= 80 for line in lines)
    for whole in ("2026-03-03", "11281.68", "EUR"):
        assert any(whole in line.split() for line in lines)
    first_column = "".join(line[: header.index("NUMBER")].rstrip() for line in lines)
    for name in ("FA-2026-0092_factur-x.pdf", "Rechnung_RE-2026-01187.pdf", "receipt-harbour-lane.pdf"):
        assert name in first_column


def test_the_next_commands_work_as_printed(demo: Demo) -> None:
    """Three commands to try: each runs, and the listings know what the demo did."""
    commands = [line.split() for line in demo.piped.out.split("\nNext\n", 1)[1].strip().splitlines()]
    assert len(commands) == 3
    shown, ran, listed = together(*[command[1:] for command in commands], cwd=demo.root)
    assert (shown.code, ran.code, listed.code) == (0, 1, 0), shown.err + ran.err + listed.err
    assert "COMPLETED" in shown.out
    assert (demo.root / "results.csv").stat().st_size > 1000
    assert "invoice-extractor" in listed.out


def test_codes_are_whole_on_a_narrow_terminal_in_batches_show(demo: Demo) -> None:
    """An id, a long file name and a code share 80 columns: what gives way is not the code."""
    page = called("batches", "list", "--db", demo.root / "nightdrop-demo" / "demo.db", "--json").output
    batch_id = json.loads(page)["items"][-1]["id"]
    code, screen = on_terminal(demo.root, "batches", "show", batch_id, "--db", "nightdrop-demo/demo.db")
    assert code == 0
    text = _ESCAPES.sub("", screen)
    assert "pdf_encrypted" in text
    assert "pdf_corrupt" in text
    assert "…" not in text
