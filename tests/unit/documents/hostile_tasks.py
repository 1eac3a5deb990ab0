"""What a hostile file can make a reader do, as tasks for the pool."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from nightdrop.errors import PdfCorrupt, SchemaInvalid, SchemaTooFree

Params = dict[str, Any]


def echo(content: bytes, params: Params) -> dict[str, Any]:
    return {"length": len(content), "params": params, "pid": os.getpid()}


def segfault(content: bytes, params: Params) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def leave(content: bytes, params: Params) -> dict[str, Any]:
    os._exit(3)


def eat_memory(content: bytes, params: Params) -> dict[str, Any]:
    return {"length": len(bytearray(8 * 1024**3))}


def loop(content: bytes, params: Params) -> dict[str, Any]:
    while True:
        pass


def chatter(content: bytes, params: Params) -> dict[str, Any]:
    sys.stdout.write("garbage " * 1000)
    sys.stdout.flush()
    os.write(1, b"NDR1\x00\x00garbage")
    return {"stdin": sys.stdin.read(), "fd0": os.read(0, 10).decode()}


def forge(content: bytes, params: Params) -> dict[str, Any]:
    """Writes to every pipe the process holds: no task does that by accident."""
    for fd in range(3, 20):
        try:
            os.write(fd, b"this is not a frame, whatever it looks like")
        except OSError:
            continue
    return {}


def killed_once(content: bytes, params: Params) -> dict[str, Any]:
    """Dies as if the kernel had killed it, unless it did so before."""
    mark = Path(params["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"again": True}


def killed_always(content: bytes, params: Params) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def corrupt(content: bytes, params: Params) -> dict[str, Any]:
    raise PdfCorrupt("page 7 is damaged")


def too_free(content: bytes, params: Params) -> dict[str, Any]:
    raise SchemaTooFree("no prose, please")


def bad_schema(content: bytes, params: Params) -> dict[str, Any]:
    raise SchemaInvalid("not a schema")


def bug(content: bytes, params: Params) -> dict[str, Any]:
    raise ZeroDivisionError("oh no: ü")


def deep(content: bytes, params: Params) -> dict[str, Any]:
    return deep(content, params)


def not_json(content: bytes, params: Params) -> dict[str, Any]:
    return {"value": object()}


def environment(content: bytes, params: Params) -> dict[str, Any]:
    return {"names": sorted(os.environ)}


def interrupt(content: bytes, params: Params) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGINT)
    return {"alive": True}
