"""One child process as seen from the thread that owns it: start, send, receive before a deadline, kill."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from typing import Any

from nightdrop.clock import monotonic
from nightdrop.documents import wire
from nightdrop.errors import ReaderFailed

_START_SECONDS = 60.0
_PIPE_BYTES = 1024 * 1024
# Children read untrusted files: they get what an interpreter needs, not the parent's keys and passwords.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")
_ENVIRONMENT_PREFIXES = ("LC_", "PYTHON", "COVERAGE_")


class ChildTimeout(Exception):
    """The child did not answer before the deadline."""


class ChildDied(Exception):
    """The child ended without answering; `returncode` as subprocess gives it (negative: the signal)."""

    def __init__(self, returncode: int) -> None:
        self.returncode = returncode
        super().__init__(returncode)


class ChildProcess:
    """A started child that answers one job at a time. Not thread-safe: one thread owns it."""

    def __init__(self, *, memory_mb: int, timeout_seconds: float) -> None:
        self.loaded: set[str] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nightdrop.documents.child", str(memory_mb), str(timeout_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ReaderFailed("a child process without pipes")
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        for pipe in (self._in, self._out):
            os.set_blocking(pipe, False)
        _widen(self._in)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._out, select.POLLIN)
        self._writable.register(self._in, select.POLLOUT)
        try:
            self._receive(monotonic() + _START_SECONDS)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def call(self, header: dict[str, Any], content: bytes, timeout_seconds: float) -> dict[str, Any]:
        """The child's answer; ChildTimeout, ChildDied or WireBroken, after each of which it has to be killed."""
        deadline = monotonic() + timeout_seconds
        frame = wire.encode(header, len(content))
        try:
            if len(content) < 65536:
                self._send(memoryview(frame + content), deadline)
            else:
                self._send(memoryview(frame), deadline)
                self._send(memoryview(content), deadline)
        except BrokenPipeError:
            raise ChildDied(self._returncode()) from None
        return self._receive(deadline)

    def load(self, task: str) -> dict[str, Any]:
        """Has the child import a task, outside of any document's time."""
        answer = self.call({"load": task}, b"", _START_SECONDS)
        if "result" in answer:
            self.loaded.add(task)
        return answer

    def signal_end(self) -> None:
        """Kills the process from any thread; its owner then finds it dead and cleans up."""
        self._process.kill()

    def kill(self) -> None:
        """Ends the process at once and closes the pipes; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, data: memoryview, deadline: float) -> None:
        while data:
            try:
                data = data[os.write(self._in, data) :]
            except BlockingIOError:
                self._wait(self._writable, deadline)

    def _receive(self, deadline: float) -> dict[str, Any]:
        prefix = self._read(wire.PREFIX.size, deadline)
        header_length, _ = wire.lengths(prefix)
        return wire.decode(self._read(header_length, deadline))

    def _read(self, length: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while length:
            try:
                part = os.read(self._out, min(length, _PIPE_BYTES))
            except BlockingIOError:
                self._wait(self._readable, deadline)
                continue
            if not part:
                raise ChildDied(self._returncode())
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _wait(self, poll: select.poll, deadline: float) -> None:
        remaining = deadline - monotonic()
        if remaining <= 0 or not poll.poll(remaining * 1000):
            raise ChildTimeout

    def _returncode(self) -> int:
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # closed its pipe but lives on
            return 0


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    kept["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return kept


def _widen(pipe: int) -> None:
    """A document usually fits into the pipe at once; a system that refuses keeps its 64 KB."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return
