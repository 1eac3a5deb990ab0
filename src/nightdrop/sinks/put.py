"""Putting a portion of results into a sink: what it refuses hurts only itself, and one that is down is let alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
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
    """Put rows together where the sink can and takes them, else one by one. Blocks, never raises."""
    try:
        url = url_named(sink.url, f"sink {sink.name}")
        kind = kind_of(url)
    except UsageError as error:
        return Outcome(waiting={str(row["run_id"]): str(error) for row in rows})
    put = _WAYS[kind]
    if kind in _TOGETHER and len(rows) > 1 and _tried(put, url, rows) is None:
        return Outcome(there={str(row["run_id"]) for row in rows})
    return _one_by_one(put, url, rows)


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


def _one_by_one(put: Put, url: str, rows: Rows) -> Outcome:
    outcome = Outcome()
    until = clock.monotonic() + LONGEST_SECONDS
    unknown: dict[str, str] = {}
    for row in rows:
        if clock.monotonic() > until:
            break
        run_id = str(row["run_id"])
        error = _tried(put, url, [row])
        if error is None:
            outcome.there.add(run_id)
            continue
        to_blame = blame(error)
        piles = {Blame.SINK: outcome.waiting, Blame.RESULT: outcome.refused, Blame.UNKNOWN: unknown}
        piles[to_blame][run_id] = words_of(error)
        if to_blame is Blame.SINK:
            outcome.retry_after = getattr(error, "retry_after", 0.0)
            break
    (outcome.refused if outcome.there else outcome.waiting).update(unknown)  # it takes others: it is up
    return outcome


def _tried(put: Put, url: str, rows: Rows) -> Exception | None:
    try:
        put(url, rows)
    except Exception as error:  # noqa: BLE001 - an edge: drivers and servers raise their own
        return error
    return None
