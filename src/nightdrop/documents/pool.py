"""A pool of child processes for work on untrusted files.

A file that loops, crashes or eats memory kills its child and fails alone; the pool replaces the child.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from nightdrop.documents.child_process import ChildDied, ChildProcess, ChildTimeout
from nightdrop.documents.wire import WireBroken
from nightdrop.errors import DocumentTooComplex, NightdropError, ReaderFailed, UsageError, every_error, input_error

_log = logging.getLogger(__name__)
_KILLED_FROM_OUTSIDE = frozenset({-signal.SIGKILL, -signal.SIGTERM})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    task: str
    content: bytes
    params: dict[str, Any]
    future: Future[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class _State:
    """What the threads share with the pool, without keeping the pool itself alive."""

    timeout_seconds: float
    memory_mb: int
    jobs: queue.SimpleQueue[_Job | None] = field(default_factory=queue.SimpleQueue)
    idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)
    children: set[ChildProcess] = field(default_factory=set)
    closed: bool = False


class ReaderPool:
    """Runs `package.module:function` tasks in child processes; a task takes (bytes, params) and returns a JSON dict.

    processes: at most so many children, started when needed; None: one per core. timeout_seconds: longest run of one
    task, without waiting and imports. memory_mb: address space of one child (where the platform can limit it).
    """

    def __init__(self, processes: int | None = None, *, timeout_seconds: float = 30.0, memory_mb: int = 1024) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._state = _State(timeout_seconds=timeout_seconds, memory_mb=memory_mb)
        self._pid = os.getpid()
        self._finalizer = weakref.finalize(self, _shut, self._state)

    def submit(self, task: str, content: bytes, params: dict[str, Any]) -> Future[dict[str, Any]]:
        """The task's result as a future; it raises the task's InputError, DocumentTooComplex or NightdropError."""
        if self._pid != os.getpid():
            raise UsageError("this ReaderPool belongs to the process that forked this one: make a new one")
        job = _Job(task=task, content=content, params=params, future=Future())
        state = self._state
        with state.lock:
            if state.closed:
                raise UsageError("this ReaderPool is closed")
            state.jobs.put(job)
            if not state.idle.acquire(blocking=False) and len(state.threads) < self.processes:
                name = f"nightdrop-reader-{len(state.threads)}"
                thread = threading.Thread(target=_serve, args=(state,), name=name, daemon=True)
                state.threads.append(thread)
                thread.start()
        return job.future

    async def call(self, task: str, content: bytes, params: dict[str, Any]) -> dict[str, Any]:
        """`submit` for any event loop. Cancelling it drops a waiting task and ignores the result of a running one."""
        return await asyncio.wrap_future(self.submit(task, content, params))

    def close(self) -> None:
        """Kills the children and cancels what waits; what runs fails with `reader_failed`. Safe to call twice."""
        self._finalizer()
        if self._pid == os.getpid():
            for thread in self._state.threads:
                thread.join(timeout=10)

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shut(state: _State) -> None:
    with state.lock:
        state.closed = True
        while True:
            try:
                job = state.jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                job.future.cancel()
        for _ in state.threads:
            state.jobs.put(None)
        for child in state.children:
            child.signal_end()


def _serve(state: _State) -> None:
    """One thread: takes jobs and runs them on its own child until the pool closes."""
    child: ChildProcess | None = None
    while (job := _next(state)) is not None:
        if not job.future.set_running_or_notify_cancel():
            continue
        try:
            child, result = _run(state, child, job)
        except _Failed as failed:
            child = failed.child
            job.future.set_exception(failed.error)
        else:
            job.future.set_result(result)
        del job
    if child is not None:
        _drop(state, child)


def _next(state: _State) -> _Job | None:
    try:
        return state.jobs.get_nowait()
    except queue.Empty:
        state.idle.release()
        return state.jobs.get()


class _Failed(Exception):
    """A job's error together with the child that is still usable, if any."""

    def __init__(self, error: Exception, child: ChildProcess | None) -> None:
        self.error = error
        self.child = child
        super().__init__(error)


def _run(state: _State, child: ChildProcess | None, job: _Job) -> tuple[ChildProcess, dict[str, Any]]:
    for attempt in (1, 2):
        child = _living(state, child)
        try:
            return child, _ask(state, child, job)
        except ChildTimeout:
            error: Exception = DocumentTooComplex(
                f"reading the document took more than {state.timeout_seconds:g} s (timeout)"
            )
        except ChildDied as died:
            if attempt == 1 and died.returncode in _KILLED_FROM_OUTSIDE and not state.closed:
                _log.warning("reader process %d was killed from outside: trying its document once more", child.pid)
                _drop(state, child)
                child = None
                continue
            error = _death(state, died.returncode)
        except WireBroken:
            error = DocumentTooComplex("the reader process crashed on this document (its answer was garbage)")
        _drop(state, child)
        raise _Failed(error, None)
    raise AssertionError("two attempts end above")


def _ask(state: _State, child: ChildProcess, job: _Job) -> dict[str, Any]:
    answer: dict[str, Any] = {"result": {}}
    if job.task not in child.loaded:
        answer = child.load(job.task)
    if "result" in answer:
        answer = child.call({"task": job.task, "params": job.params}, job.content, state.timeout_seconds)
    if "result" in answer:
        result: dict[str, Any] = answer["result"]
        return result
    error = _rebuilt(state, answer)
    if answer["code"] == "too_complex":  # what ran out of memory is not trusted with another document
        _drop(state, child)
        raise _Failed(error, None)
    raise _Failed(error, child)


def _living(state: _State, child: ChildProcess | None) -> ChildProcess:
    if child is not None:
        if child.is_alive:
            return child
        _drop(state, child)
    if state.closed:
        raise _Failed(ReaderFailed("the reader pool was closed"), None)
    try:
        child = ChildProcess(memory_mb=state.memory_mb, timeout_seconds=state.timeout_seconds)
    except (OSError, ChildDied, ChildTimeout, WireBroken) as error:
        text = f"no reader process could be started: {type(error).__name__}: {error}"
        raise _Failed(ReaderFailed(text), None) from error
    with state.lock:
        state.children.add(child)
        if state.closed:
            child.signal_end()
    return child


def _drop(state: _State, child: ChildProcess) -> None:
    with state.lock:
        state.children.discard(child)
    child.kill()


def _death(state: _State, returncode: int) -> Exception:
    if state.closed:
        return ReaderFailed("the reader pool was closed")
    if returncode < 0:
        try:
            reason = signal.Signals(-returncode).name
        except ValueError:
            reason = f"signal {-returncode}"
    else:
        reason = f"exit code {returncode}"
    return DocumentTooComplex(
        f"the reader process crashed on this document ({reason}; its memory limit is {state.memory_mb} MB)"
    )


def _rebuilt(state: _State, answer: dict[str, Any]) -> Exception:
    code, message = answer["code"], answer["message"]
    if code == "too_complex":
        if message == "memory":
            return DocumentTooComplex(f"reading the document took more than {state.memory_mb} MB of memory")
        return DocumentTooComplex("the document is nested too deeply to be read")
    if answer["input"]:
        return input_error(code, message)
    for kind in every_error():
        if kind.code == code:
            return kind(message)
    return NightdropError(message, code=code)
