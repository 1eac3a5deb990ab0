"""The command line, or a few lines of Python, as a real process forked from one that has imported everything already.

A new interpreter spends 1 to 2.5 s of CPU on imports, and the crash suite starts more than a thousand.
What is killed, waited for and talked to is a process like any other; only its imports are shared.
NIGHTDROP_TEST_FRESH=1 starts a new interpreter each time instead.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

FRESH = bool(os.environ.get("NIGHTDROP_TEST_FRESH"))

_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["tests.preload"])


class Forked(subprocess.Popen[str]):
    """What `subprocess.Popen` is to a started process: pid, poll, wait, kill, terminate, send_signal, communicate."""

    _child_created = False  # nothing for Popen's own bookkeeping

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        program: str | None = None,
        env: Mapping[str, str],
        stderr: Path,
        stdin: int | None = None,
        start_new_session: bool = False,
        cwd: str | Path | None = None,
    ) -> None:
        self.args = ["nightdrop" if program is None else "-c", *arguments]
        self.returncode: int | None = None  # type: ignore[assignment]
        out, theirs_out = _forkserver.Pipe(duplex=False)
        theirs_in, into = _forkserver.Pipe(duplex=False)
        self._process = _forkserver.Process(
            target=_be,
            args=(
                program,
                self.args,
                dict(env),
                str(stderr),
                theirs_in,
                theirs_out,
                start_new_session,
                str(cwd or Path.cwd()),
            ),
            daemon=True,
        )
        self._process.start()
        theirs_in.close()
        theirs_out.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.stdout: IO[str] | None = _file(out, "r")
        self.stdin: IO[str] | None = None
        self.stderr: IO[str] | None = None
        if stdin == subprocess.PIPE:
            self.stdin = _file(into, "w")
        else:
            into.close()

    def poll(self) -> int | None:
        if self.returncode is None and (code := self._process.exitcode) is not None:
            self.returncode = code
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._process.join(timeout)
            if self.poll() is None:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        assert self.stdout is not None
        if self.stdin is not None:
            with self.stdin:
                self.stdin.write(input or "")
        deadline = None if timeout is None else time.monotonic() + timeout
        said = b""
        while not self.stdout.closed:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([self.stdout], [], [], left)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0, output=said)
            if more := os.read(self.stdout.fileno(), 65536):
                said += more
            else:
                self.stdout.close()
        self.wait(None if deadline is None else max(deadline - time.monotonic(), 0.1))
        return said.decode(), ""

    def __del__(self) -> None:
        """A process that is still there is the test's own business, as with a pipe nobody reads."""


def _file(pipe: Connection, mode: str) -> IO[str]:
    with pipe:
        return os.fdopen(os.dup(pipe.fileno()), mode)


def _be(
    program: str | None,
    arguments: list[str],
    env: dict[str, str],
    stderr: str,
    stdin: Connection,
    stdout: Connection,
    new_session: bool,
    cwd: str,
) -> None:
    """In the forked process: `python -m nightdrop`, or `python -c` the program, with these arguments."""
    if new_session:
        os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    said = os.open(stderr, os.O_WRONLY | os.O_APPEND)
    for number, fd in enumerate((stdin.fileno(), stdout.fileno(), said)):
        os.dup2(fd, number)
    for one in (stdin, stdout):
        one.close()
    os.close(said)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = arguments
    try:
        _run(program)
    finally:
        atexit._run_exitfuncs()


def _run(program: str | None) -> None:
    if program is None:
        runpy.run_module("nightdrop", run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, "")
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
