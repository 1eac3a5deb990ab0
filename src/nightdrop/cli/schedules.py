"""`nightdrop schedules`: what is fired when, and the audit of every fire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT

if TYPE_CHECKING:
    from nightdrop.records.schedule import Schedule

_FIELDS: dict[str, tuple[Any, str]] = {
    "cron": (str, "Five fields, or @daily and the like."),
    "endpoint": (str, "/agents/ID/runs or /workflows/ID/runs."),
    "timezone": (str, "An IANA name.  [default: UTC]"),
    "message": (str, "What the agent is told."),
    "files": (str, "A folder, glob, path or URL: each fire takes what is new there."),
    "after": (str, "What becomes of a file whose result is stored: keep, delete or move:FOLDER.  [default: keep]"),
    "settle-seconds": (float, "How long a file must be unchanged.  [default: 5]"),
    "timeout-seconds": (int, "When a fire is cancelled.  [default: 3600]"),
    "max-retries": (int, "How often a fire that failed for a passing reason is tried again.  [default: 0]"),
    "retry-delay-seconds": (int, "How long a retry waits.  [default: 60]"),
    "catch-up": (click.Choice(["one", "all", "none"]), "What becomes of missed times.  [default: one]"),
    "overlap": (click.Choice(["skip", "queue", "allow"]), "When the last fire is still open.  [default: skip]"),
    "description": (str, "A line for people."),
}
_PAYLOAD = ("message", "files", "after", "settle_seconds")


def _fields(command: Any) -> Any:
    for name, (kind, text) in reversed(_FIELDS.items()):
        command = click.option(f"--{name}", type=kind, help=text)(command)
    return command


@click.group()
def schedules() -> None:
    """Make and look at schedules, and at every fire."""


@schedules.command("list")
@DB
@JSON
@reports_errors
def list_(db: str | None, as_json: bool) -> None:
    """Schedules with their last and next fires."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.schedules.service import list_all
    from nightdrop.store.schedule_runs import last_fires

    database = existing_database(db)
    found = list_all(database)
    if as_json:
        print_page([schedule.to_json() for schedule in found], None)
        return
    with database.read() as connection:
        last = last_fires(connection)
    print_table(
        ["NAME", "CRON", "TIMEZONE", "ENDPOINT", "LAST", "STATUS", "NEXT"],
        [
            [
                schedule.name,
                schedule.cron,
                schedule.timezone,
                schedule.endpoint,
                when(last[schedule.id][0]) if schedule.id in last else "",
                last[schedule.id][1] if schedule.id in last else "",
                when(schedule.next_fire_at) if schedule.enabled else "disabled",
            ]
            for schedule in found
        ],
        fold="ENDPOINT",
    )


@schedules.command()
@click.argument("schedule")
@DB
@JSON
@reports_errors
def show(schedule: str, db: str | None, as_json: bool) -> None:
    """One schedule, by id or name."""
    from nightdrop.cli.load import existing_database
    from nightdrop.schedules.service import get_schedule

    _print(get_schedule(existing_database(db), schedule), as_json)


@schedules.command()
@click.argument("name")
@_fields
@click.option(
    "--if-exists",
    type=click.Choice(["raise", "skip", "update"]),
    default="raise",
    show_default=True,
    help="When there is one of this name.",
)
@click.option("--disabled", is_flag=True, help="Do not fire it yet.")
@DB
@JSON
@reports_errors
def create(name: str, if_exists: Any, disabled: bool, db: str | None, as_json: bool, **given: Any) -> None:
    """Make a schedule of this name."""
    from nightdrop.cli.load import open_database
    from nightdrop.schedules.service import create_schedule

    fields = _given(given, {}) | {"name": name, "enabled": not disabled}
    _print(create_schedule(open_database(db), fields, if_exists=if_exists), as_json)


@schedules.command()
@click.argument("schedule")
@_fields
@DB
@JSON
@reports_errors
def update(schedule: str, db: str | None, as_json: bool, **given: Any) -> None:
    """Change what is given of a schedule, by id or name."""
    from nightdrop.cli.load import existing_database
    from nightdrop.schedules.service import get_schedule, update_schedule

    database = existing_database(db)
    fields = _given(given, get_schedule(database, schedule).payload)
    _print(update_schedule(database, schedule, fields), as_json)


@schedules.command()
@click.argument("schedule")
@DB
@reports_errors
def delete(schedule: str, db: str | None) -> None:
    """Delete a schedule, by id or name; its runs stay."""
    from nightdrop.cli.load import existing_database
    from nightdrop.schedules.service import delete_schedule

    delete_schedule(existing_database(db), schedule)
    click.echo(f"{schedule} is deleted; its runs stay.")


@schedules.command()
@click.argument("schedule")
@DB
@JSON
@reports_errors
def enable(schedule: str, db: str | None, as_json: bool) -> None:
    """Fire a schedule from now on."""
    _switch(schedule, db, as_json, True)


@schedules.command()
@click.argument("schedule")
@DB
@JSON
@reports_errors
def disable(schedule: str, db: str | None, as_json: bool) -> None:
    """Fire a schedule no more."""
    _switch(schedule, db, as_json, False)


@schedules.command()
@click.argument("schedule")
@DB
@JSON
@reports_errors
def trigger(schedule: str, db: str | None, as_json: bool) -> None:
    """Fire a schedule now, also a disabled one."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.schedules.service import trigger_schedule

    row = trigger_schedule(existing_database(db), schedule)
    if as_json:
        print_json(row.to_json())
        return
    click.echo(f"{row.id} waits for a process that fires schedules. Look with: nightdrop schedules runs {schedule}")


@schedules.command()
@click.argument("schedule", required=False)
@click.option("--since", metavar="AGE", help="Only occurrences of the last 12h, 1d, ...")
@click.option("--status", multiple=True, help="Only these: failed, partial, missed, ...; may be given again.")
@LIMIT
@CURSOR
@DB
@JSON
@reports_errors
def runs(
    schedule: str | None,
    since: str | None,
    status: Sequence[str],
    limit: int,
    cursor: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Fires, newest first: of one schedule, or of all."""
    from nightdrop import clock
    from nightdrop.cli.age import age_ms
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.schedules.service import get_runs, list_all

    database = existing_database(db)
    start = None if since is None else clock.to_datetime(clock.now_ms() - age_ms(since, "--since"))
    found = get_runs(database, schedule, status=status, since=start, before=cursor, limit=limit + 1)
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([row.to_json() for row in page], page[-1].id if more else None)
        return
    names = {one.id: one.name for one in list_all(database)}
    print_table(
        ["SCHEDULE", "FOR", "TRY", "STATUS", "CODE", "BEGAN", "ENDED", "RUN OR BATCH", "ERROR"],
        [
            [
                names.get(row.schedule_id, row.schedule_id),
                when(row.scheduled_for),
                str(row.attempt),
                row.status.value,
                str(row.status_code or ""),
                when(row.triggered_at),
                when(row.completed_at),
                row.run_id or row.batch_id or "",
                row.error or "",
            ]
            for row in page
        ],
        fold="ERROR",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].id}")


def _given(given: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in given.items() if value is not None}
    changed = {name: fields.pop(name) for name in _PAYLOAD if name in fields}
    return fields | ({"payload": payload | changed} if changed else {})


def _switch(schedule: str, db: str | None, as_json: bool, enabled: bool) -> None:
    from nightdrop.cli.load import existing_database
    from nightdrop.schedules.service import update_schedule

    _print(update_schedule(existing_database(db), schedule, {"enabled": enabled}), as_json)


def _print(schedule: Schedule, as_json: bool) -> None:
    from nightdrop.cli.show import print_json, printable, when

    if as_json:
        print_json(schedule.to_json())
        return
    shown = schedule.to_json() | {"next_fire_at": when(schedule.next_fire_at)}
    for name, value in shown.items():
        if value is not None and name not in ("created_at", "updated_at"):
            click.echo(f"{name + ':':<21} {printable(str(value))}")
