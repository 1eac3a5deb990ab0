"""`nightdrop watch`: a folder or a server watched, each new document run once, until it is stopped."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors
from nightdrop.cli.subject import CONCURRENCY, DATABASE, SUBJECT, Chosen, concurrency_of


@click.command()
@click.argument("source")
@SUBJECT
@click.option("--message", default="", help="What to ask of each document.")
@click.option("--out", type=click.Path(path_type=Path), help="Append result rows to this .jsonl file.")
@DATABASE
@CONCURRENCY
@click.option(
    "--after", default="keep", show_default=True, metavar="keep|delete|move:FOLDER", help="Once the result is stored."
)
@click.option(
    "--settle",
    type=click.FloatRange(0, 86_400),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long nobody must have written to a file.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 86_400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks when nothing tells of a change.",
)
@click.option("--pattern", metavar="GLOB", help="Only documents whose name fits, such as '*.pdf'.")
@click.option("--once", is_flag=True, help="One look; end when what it found has ended.")
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="When stopped: how long runs may take to end before they are handed back.",
)
@click.option("--json", "as_json", is_flag=True, help="Print events, one JSON object a line.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@reports_errors
def watch(**given: Any) -> None:
    """Run an agent or a workflow over each document that comes into SOURCE: a folder, a glob, or a URL.

    What was taken in once is not taken in again, until it changes. Ctrl-C or SIGTERM lets what runs end; the same
    command goes on. It executes queued runs as a worker does. Exit code: 0, with --once 1 when some failed, 2 bad call.
    """
    sys.exit(_watch(_Options(**given)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options(Chosen):
    """The command line, by its option names."""

    source: str
    message: str
    out: Path | None
    concurrency: str
    after: str
    settle: float
    interval: float
    pattern: str | None
    once: bool
    drain_timeout: float
    as_json: bool
    quiet: bool


def _watch(options: _Options) -> int:
    from nightdrop.cli.watching import Duty, watch_until_stopped
    from nightdrop.engine import registry
    from nightdrop.watch import RowsFile, watch_call

    concurrency = concurrency_of(options.concurrency)
    runnable, database = options.load()
    runnable.check()
    call = watch_call(
        runnable.spec.subject,
        {
            "message": options.message,
            "files": options.source,
            "settle_seconds": options.settle,
            "after": options.after,
        },
        pattern=options.pattern,
        interval_seconds=options.interval,
        once=options.once,
        leave_out=() if options.out is None else (str(options.out),),
        cache=runnable.spec.cache,
    )
    registry.add(runnable.spec)
    duty = Duty(
        call=call,
        rows=None if options.out is None else RowsFile(options.out),
        command=options.worker_command(database),
        concurrency=concurrency,
        drain_seconds=options.drain_timeout,
        as_json=options.as_json,
        quiet=options.quiet,
    )
    failed = watch_until_stopped(database, duty)
    database.close()
    return SOME_FAILED if failed and options.once else ALL_DONE
