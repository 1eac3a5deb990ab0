"""Logs for machines: one JSON object a line, with the run that was worked on when it was written."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from nightdrop.clock import iso

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_about: ContextVar[Mapping[str, Any]] = ContextVar("nightdrop_log_about", default={})  # noqa: B039 - never changed


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """What is logged within has these fields, also what other libraries log; None is left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    token = _about.set({**_about.get(), **given})
    try:
        yield
    finally:
        _about.reset(token)


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, the run's fields, whatever `extra=` gave, and the exception as text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": iso(datetime.fromtimestamp(record.created, tz=UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_about.get(),
            **{name: value for name, value in vars(record).items() if name not in _USUAL},
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(form: str, level: str) -> None:
    """Log to stderr, as `text` or `json`, nightdrop from this level on and everything else from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter() if form == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("nightdrop").setLevel(level.upper())
