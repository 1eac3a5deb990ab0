"""Serving an app with uvicorn until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS = 10  # for open requests


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve on this socket until told to stop; then answer who waits, let runs end, and hand the rest back."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS)
    server = _Server(config, lambda: setattr(app.state.service, "stopping", True))
    _ignore_what_uvicorn_raises_again()
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells the service that it is stopped before it waits for open requests: streams end, who waits is answered."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self._on_stop()
        super().handle_exit(sig, frame)


def _ignore_what_uvicorn_raises_again() -> None:
    """uvicorn stops in order and then raises the signal once more, for a handler that was there before its own."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
