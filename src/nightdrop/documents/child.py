"""The child process of the reader pool: `python -m nightdrop.documents.child MEMORY_MB TIMEOUT_SECONDS`.

Reads jobs from its stdin, answers on its stdout, ends when stdin ends. It holds no state between jobs
except imported modules.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from nightdrop.documents import wire
from nightdrop.errors import InputError, NightdropError

Task = Callable[[bytes, dict[str, Any]], dict[str, Any]]

_GRACE_SECONDS = 5.0


def main(arguments: list[str]) -> None:
    """Serves jobs until stdin ends. Arguments: memory limit in MB, longest job in seconds."""
    memory_mb, timeout_seconds = int(arguments[0]), float(arguments[1])
    jobs, answers = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    _limit_memory(memory_mb)
    _settle()
    tasks: dict[str, Task] = {}
    _answer(answers, {"ready": True})
    while (job := _next_job(jobs)) is not None:
        header, content = job
        # an orphan whose parent was killed in mid-job must not spin for ever
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds + _GRACE_SECONDS)
        answer = _load(tasks, header["load"]) if "load" in header else _run(tasks[header["task"]], content, header)
        del content
        signal.setitimer(signal.ITIMER_REAL, 0)
        _answer(answers, answer)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our own copies of the pipes; what a task prints or reads can then not touch the frames."""
    jobs = os.fdopen(os.dup(0), "rb", buffering=1024 * 64)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    sys.stdin = io.StringIO()
    return jobs, answers


def _limit_memory(megabytes: int) -> None:
    try:
        import resource  # not on every platform
    except ImportError:
        return
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ValueError, OSError):
        return  # macOS refuses RLIMIT_AS: the timeout still holds


def _settle() -> None:
    gc.collect()
    gc.freeze()  # imported modules are not walked again at every collection


def _next_job(jobs: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    prefix = jobs.read(wire.PREFIX.size)
    if len(prefix) < wire.PREFIX.size:
        return None
    header_length, content_length = wire.lengths(prefix)
    header = jobs.read(header_length)
    content = jobs.read(content_length) if content_length else b""
    if len(header) < header_length or len(content) < content_length:
        return None
    return wire.decode(header), content


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    frame = memoryview(wire.encode(answer))
    while frame:
        frame = frame[answers.write(frame) :]


def _load(tasks: dict[str, Task], name: str) -> dict[str, Any]:
    module, _, function = name.partition(":")
    try:
        tasks[name] = getattr(importlib.import_module(module), function)
    except Exception as error:  # noqa: BLE001 - whatever an import does wrong is told to the parent
        return _failure("reader_failed", f"cannot load {name}: {type(error).__name__}: {error}")
    _settle()
    return {"result": {}}


def _run(task: Task, content: bytes, header: dict[str, Any]) -> dict[str, Any]:
    try:
        result = task(content, header["params"])
        wire.encode(result)  # what is not JSON is this job's failure, not the child's end
        return {"result": result}
    except InputError as error:
        return _failure(error.code, error.message, is_input=True)
    except NightdropError as error:
        return _failure(error.code, error.message)
    except (MemoryError, RecursionError) as error:
        return _failure("too_complex", "memory" if isinstance(error, MemoryError) else "nesting")
    except Exception as error:  # noqa: BLE001 - the edge: any failure of a reader is this document's alone
        if type(error).__name__ == "PdfiumError":
            return _failure("pdf_corrupt", f"the PDF is damaged: {error}", is_input=True)
        return _failure("reader_failed", f"{type(error).__name__}: {error}")


def _failure(code: str, message: str, *, is_input: bool = False) -> dict[str, Any]:
    return {"code": code, "message": message, "input": is_input}


if __name__ == "__main__":
    main(sys.argv[1:])
