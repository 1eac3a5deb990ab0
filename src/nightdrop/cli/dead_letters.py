"""`nightdrop dead-letters`: what could not be processed, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT

if TYPE_CHECKING:
    from nightdrop.store.letters import DeadLetters

F = TypeVar("F", bound=Callable[..., Any])

_ALL = click.option("--all", "everything", is_flag=True, help="Every open one: instead of ids or a filter.")
_STATES = click.Choice(["open", "replayed", "discarded"])
_FILTERS = (
    click.option("--code", help="Only those with this error code, such as rate_limited."),
    click.option("--since", metavar="AGE", help="Only those that failed since: 30m, 12h, 1d, 2w."),
    click.option("--batch", "batch_id", metavar="ID", help="Only those of this batch."),
    click.option("--agent", "agent_id", metavar="ID", help="Only those of this agent."),
)


def _filters(command: F) -> F:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at what failed, try it again, let it go, or give it to somebody."""


@dead_letters.command("list")
@DB
@_filters
@click.option("--state", type=_STATES, default="open", show_default=True, help="Only those in this state.")
@LIMIT
@CURSOR
@JSON
@reports_errors
def list_(db: str | None, state: str, limit: int, cursor: str | None, as_json: bool, **given: str | None) -> None:
    """Dead letters, newest first."""
    from nightdrop.cli.show import print_page, print_table, when

    found = list(_letters(db).list(**_meant(given), state=state, before=cursor, limit=limit + 1))
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([letter.to_json() for letter in page], page[-1].id if more else None)
        return
    print_table(
        ["LETTER", "CODE", "FILE", "REASON", "ATTEMPT", "ASSIGNEE", "FAILED"],
        [
            [
                letter.id,
                letter.code,
                letter.file or "",
                letter.message,
                str(letter.attempts),
                letter.assignee or "",
                when(letter.created_at),
            ]
            for letter in page
        ],
        fold="REASON",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].id}")


@dead_letters.command("show")
@click.argument("letter_id")
@DB
@JSON
@reports_errors
def show(letter_id: str, db: str | None, as_json: bool) -> None:
    """One dead letter: reason, document, the model's last answer, who looks after it."""
    from nightdrop.cli.show import print_json, printable, when

    letter = _letters(db).get(letter_id)
    if as_json:
        print_json(letter.to_json())
        return
    lines = {
        "letter": letter.id,
        "state": letter.state.value,
        "run": letter.run_id,
        "agent": letter.agent_id,
        "batch": letter.batch_id,
        "file": letter.file,
        "sha256": letter.sha256 or "no bytes could be read",
        "code": letter.code,
        "reason": letter.message,
        "attempt": str(letter.attempts),
        "failed": when(letter.created_at),
        "assignee": letter.assignee,
        "note": letter.note,
        "answer": letter.raw_answer,
    }
    for name, text in lines.items():
        if text is not None:
            click.echo(f"{name:<9} {printable(text)}")


@dead_letters.command("replay")
@click.argument("letter_ids", nargs=-1)
@DB
@_filters
@_ALL
@JSON
@reports_errors
def replay(letter_ids: tuple[str, ...], db: str | None, everything: bool, as_json: bool, **given: str | None) -> None:
    """Try the runs of dead letters again, by id or by filter. Exit code 1 when some could not be replayed."""
    from nightdrop.cli.show import print_json, printable

    meant = _one_way(letter_ids, given, everything)
    letters = _letters(db)
    if letter_ids:
        found = letters.replay(letter_ids[0] if len(letter_ids) == 1 else letter_ids)
    else:
        found = letters.replay_all(**meant)
    refused = [outcome for outcome in found if outcome.error is not None]
    queued = len(found) - len(refused)
    if as_json:
        print_json({"replayed": queued, "items": [outcome.to_json() for outcome in found]})
    else:
        for outcome in refused:
            click.echo(printable(f"{outcome.letter_id}: {outcome.error}"), err=True)
        click.echo(f"{queued} runs are queued again")
        if queued:
            click.echo("They are executed by `nightdrop worker APP`, or by the same `nightdrop run` command again.")
    sys.exit(SOME_FAILED if refused else ALL_DONE)


@dead_letters.command("discard")
@click.argument("letter_ids", nargs=-1)
@DB
@_filters
@_ALL
@JSON
@reports_errors
def discard(letter_ids: tuple[str, ...], db: str | None, everything: bool, as_json: bool, **given: str | None) -> None:
    """Let dead letters go, by id or by filter: they are kept, marked discarded."""
    from nightdrop.cli.show import print_json

    meant = _one_way(letter_ids, given, everything)
    letters = _letters(db)
    count = letters.discard(letter_ids) if letter_ids else letters.discard_all(**meant)
    if as_json:
        print_json({"discarded": count})
    else:
        click.echo(f"{count} dead letters discarded")


@dead_letters.command("assign")
@click.argument("letter_id")
@click.option("--to", "assignee", metavar="NAME", help='Who looks after it; "" for nobody.')
@click.option("--note", metavar="TEXT", help='What is known about it; "" for nothing.')
@DB
@JSON
@reports_errors
def assign(letter_id: str, assignee: str | None, note: str | None, db: str | None, as_json: bool) -> None:
    """Give a dead letter to somebody, or note something on it."""
    from nightdrop.cli.show import print_json, printable
    from nightdrop.errors import UsageError

    if assignee is None and note is None:
        raise UsageError("give --to NAME, --note TEXT, or both")
    letter = _letters(db).assign(letter_id, assignee=assignee, note=note)
    if as_json:
        print_json(letter.to_json())
    else:
        click.echo(printable(f"{letter.id}: {letter.assignee or 'nobody'}; {letter.note or 'no note'}"))


def _letters(db: str | None) -> DeadLetters:
    from nightdrop.cli.load import existing_database

    return existing_database(db).dead_letters


def _meant(given: dict[str, str | None]) -> dict[str, Any]:
    """The filter options as arguments."""
    from nightdrop import clock
    from nightdrop.cli.age import age_ms

    since = given["since"]
    moment = None if since is None else clock.to_datetime(clock.now_ms() - age_ms(since, "--since"))
    return given | {"since": moment}


def _one_way(ids: tuple[str, ...], given: dict[str, str | None], everything: bool) -> dict[str, Any]:
    """The filter, once it is sure that the call says which letters it means in one way. Raises UsageError."""
    from nightdrop.errors import UsageError

    filtered = any(text is not None for text in given.values())
    if bool(ids) + filtered + everything != 1:
        raise UsageError("name dead letters by id, or by a filter such as --code rate_limited, or give --all")
    return _meant(given)
