"""Putting a portion of results into a sink: what it refuses hurts only itself, and one that is down is let alone."""

from __future__ import annotations

import functools
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from nightdrop import clock
from nightdrop.errors import UsageError
from nightdrop.records.sink import Sink, SinkKind, kind_of
from nightdrop.sinks.blame import Blame, blame, words_of
from nightdrop.sinks.folder import put_in_file, put_in_folder
from nightdrop.sinks.table import put_in_table
from nightdrop.sinks.web import put_over_http

Rows = Sequence[dict[str, Any]]
Put = Callable[[str, Rows], None]

LONGEST_SECONDS = 60.0  # after which what is left of a portion is given back: well below the lease
_WAYS: dict[SinkKind, Put] = {
    "table": put_in_table,
    "http": put_over_http,
    "folder": put_in_folder,
    "file": put_in_file,
}
_TOGETHER = ("table", "file")
_MANY, _FEW = 8, 2  # results put at a time over a line, where each waits for an answer; FTP servers allow few


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a portion. there: run ids that are in the sink; refused and waiting: why not, by run id.

    waiting: tried, and the sink is to blame. What is named nowhere was not tried. retry_after: seconds.
    """

    there: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    retry_after: float = 0.0


def put_portion(sink: Sink, rows: Rows) -> Outcome:
    """Put rows together where the sink can and takes them, else one by one, over a line several at a time.

    Blocks, never raises.
    """
    try:
        url = url_named(sink.url, f"sink {sink.name}")
        kind = kind_of(url)
    except UsageError as error:
        return Outcome(waiting={str(row["run_id"]): str(error) for row in rows})
    put = _WAYS[kind]
    if kind in _TOGETHER and len(rows) > 1 and _tried(put, url, rows) is None:
        return Outcome(there={str(row["run_id"]) for row in rows})
    return _each_alone(put, url, rows, _abreast(kind, url))


def put_rows(url: str, rows: Rows) -> None:
    """Put rows, `document` their key: the same again changes nothing, an older one replaces no later one.

    Raises what drivers and servers raise.
    """
    _WAYS[kind_of(url)](url, rows)


def url_named(url: str, whose: str) -> str:
    """The URL, or what the variable holds that `env:NAME` names. Raises UsageError when this process has none."""
    if not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    if not os.environ.get(name):
        raise UsageError(f"{name} is not set in this process: it is the URL of {whose}")
    return os.environ[name]


def _abreast(kind: SinkKind, url: str) -> int:
    if kind != "http" and (kind in _TOGETHER or "://" not in url or url.startswith("file://")):
        return 1
    return _FEW if url.startswith("ftp") else _MANY


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    """They stay, since clients keep a connection for each thread."""
    return ThreadPoolExecutor(count, thread_name_prefix="nightdrop-sink")


def _each_alone(put: Put, url: str, rows: Rows, abreast: int) -> Outcome:
    outcome = Outcome()
    until = clock.monotonic() + LONGEST_SECONDS
    unknown: dict[str, str] = {}
    down = threading.Event()
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of[str(row["document"])].append(row)

    def in_order(of_one: Rows) -> list[tuple[str, Exception | None]]:
        """Results of one document, the older before the later."""
        tried: list[tuple[str, Exception | None]] = []
        for row in of_one:
            if down.is_set() or clock.monotonic() > until:
                break
            error = _tried(put, url, [row])
            if error is not None and blame(error) is Blame.SINK:
                down.set()
            tried.append((str(row["run_id"]), error))
        return tried

    found = map(in_order, of.values()) if abreast == 1 else _threads(abreast).map(in_order, of.values())
    piles = {Blame.SINK: outcome.waiting, Blame.RESULT: outcome.refused, Blame.UNKNOWN: unknown}
    for run_id, error in (one for tried in found for one in tried):
        if error is None:
            outcome.there.add(run_id)
        else:
            piles[blame(error)][run_id] = words_of(error)
            outcome.retry_after = max(outcome.retry_after, getattr(error, "retry_after", 0.0))
    (outcome.refused if outcome.there else outcome.waiting).update(unknown)  # it takes others: it is up
    return outcome


def _tried(put: Put, url: str, rows: Rows) -> Exception | None:
    try:
        put(url, rows)
    except Exception as error:  # noqa: BLE001 - an edge: drivers and servers raise their own
        return error
    return None
