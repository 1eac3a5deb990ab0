"""`nightdrop reviews`: values that wait for a person, decided in the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT

if TYPE_CHECKING:
    from nightdrop.records.review import Review
    from nightdrop.store.reviews import Reviews

_AGENT = click.option("--agent", "agent_id", metavar="ID", help="Only of this agent.")
_FIELD = click.option("--field", metavar="PATH", help="Only of this field; * for any index: 'lines.*.amount'.")
_AFTER = click.option("--after", metavar="ID", help="Pass over those up to this one.")


def _decision(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--note", metavar="TEXT", help="What is worth knowing about it.")(command)
    command = click.option(
        "--reviewer", metavar="NAME", envvar="USER", default="unknown", help="Who decides; default: the user's name."
    )(command)
    return click.argument("review_id")(DB(JSON(command)))


@click.group()
def reviews() -> None:
    """Decide about values that are in doubt."""


@reviews.command("list")
@DB
@_AGENT
@click.option("--run", "run_id", metavar="ID", help="Only of this run.")
@click.option("--batch", "batch_id", metavar="ID", help="Only of this batch.")
@_FIELD
@click.option("--kind", type=click.Choice(["doubt", "sample"]), help="Only of this kind.")
@click.option(
    "--state",
    type=click.Choice(["open", "accepted", "corrected", "rejected", "withdrawn", "all"]),
    default="open",
    show_default=True,
    help="How they stand.",
)
@LIMIT
@CURSOR
@JSON
@reports_errors
def list_(db: str | None, state: str, limit: int, cursor: str | None, as_json: bool, **wanted: str | None) -> None:
    """Reviews, what an error would cost most first."""
    from nightdrop.cli.show import print_page, print_table

    meant: dict[str, Any] = {**wanted, "state": None if state == "all" else state, "after": cursor}
    found = _reviews(db).list(**meant, limit=limit + 1)
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([review.to_json() for review in page], page[-1].id if more else None)
        return
    columns = ["REVIEW", "STATE", "RISK", "FIELD", "VALUE", "WHY", "FILE"]
    print_table(columns, [_line(review) for review in page], fold="WHY")
    if more:
        click.echo(f"More: --cursor {page[-1].id}")


@reviews.command("show")
@click.argument("review_id")
@DB
@JSON
@reports_errors
def show(review_id: str, db: str | None, as_json: bool) -> None:
    """One review: the value, where it stands, what else it may be, and why it is asked."""
    _print(_reviews(db).get(review_id), as_json)


@reviews.command("next")
@DB
@_AGENT
@_FIELD
@_AFTER
@JSON
@reports_errors
def next_(db: str | None, agent_id: str | None, field: str | None, after: str | None, as_json: bool) -> None:
    """The open review that is most worth deciding."""
    from nightdrop.cli.show import print_json

    found = _reviews(db).next(agent_id=agent_id, field=field, after=after)
    if found is not None:
        _print(found, as_json)
    elif as_json:
        print_json(None)
    else:
        click.echo("Nothing waits for a decision.")


@reviews.command("accept")
@_decision
@reports_errors
def accept(review_id: str, db: str | None, reviewer: str, note: str | None, as_json: bool) -> None:
    """The value is right as it was read."""
    _told(db, _reviews(db).accept(review_id, reviewer=reviewer, note=note), as_json)


@reviews.command("correct")
@_decision
@click.option("--value", required=True, metavar="JSON_OR_TEXT", help="The right value: JSON, or else text as it is.")
@reports_errors
def correct(review_id: str, db: str | None, value: str, reviewer: str, note: str | None, as_json: bool) -> None:
    """The value is another one."""
    from nightdrop.errors import CorrectionInvalid

    desk = _reviews(db)
    try:
        found = desk.correct(review_id, _parsed(value), reviewer=reviewer, note=note)
    except CorrectionInvalid:
        if _parsed(value) == value:
            raise
        found = desk.correct(review_id, value, reviewer=reviewer, note=note)  # text that looks like JSON: 2026, 1.50
    _told(db, found, as_json)


@reviews.command("reject")
@_decision
@reports_errors
def reject(review_id: str, db: str | None, reviewer: str, note: str | None, as_json: bool) -> None:
    """The document cannot be used so: its run becomes a dead letter."""
    _told(db, _reviews(db).reject(review_id, reviewer=reviewer, note=note), as_json)


@reviews.command("accuracy")
@DB
@_AGENT
@click.option("--since", metavar="AGE", help="Only decided within this time, such as 30d.")
@JSON
@reports_errors
def accuracy(db: str | None, agent_id: str | None, since: str | None, as_json: bool) -> None:
    """How often each field was right, of what people have decided."""
    from nightdrop import clock
    from nightdrop.cli.age import age_ms
    from nightdrop.cli.show import print_page, print_table

    moment = None if since is None else clock.to_datetime(clock.now_ms() - age_ms(since, "--since"))
    found = _reviews(db).accuracy(agent_id=agent_id, since=moment)
    if as_json:
        print_page([row.to_json() for row in found], None)
        return
    print_table(
        ["AGENT", "KIND", "FIELD", "RIGHT", "WRONG", "SHARE"],
        [[r.agent_id or "", r.kind.value, r.field, str(r.right), str(r.wrong), f"{r.share:.1%}"] for r in found],
    )


def _reviews(db: str | None) -> Reviews:
    from nightdrop.cli.load import existing_database

    return existing_database(db).reviews


def _line(review: Review) -> list[str]:
    reasons = "; ".join(review.reasons)
    value = _short(review.value)
    return [
        review.id,
        review.state.value,
        f"{review.risk:.2f}",
        review.field or "(all)",
        value,
        reasons,
        review.file or "",
    ]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\n", " / ")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _print(review: Review, as_json: bool) -> None:
    from nightdrop.cli.show import print_json, printable, when

    if as_json:
        print_json(review.to_json())
        return
    found = review.found
    lines: list[tuple[str, Any]] = [
        ("review", review.id),
        ("run", review.run_id),
        ("kind", review.kind.value),
        ("state", review.state.value),
        ("file", review.file),
        ("field", review.field or "the answer as a whole"),
        ("value", json.dumps(review.value, ensure_ascii=False)),
        *[("why", reason) for reason in review.reasons],
        ("printed", None if found is None or found.evidence is None else f"{found.evidence}  (page {found.page})"),
        *[("instead", _candidate(candidate)) for candidate in review.candidates],
        ("correction", None if review.state != "corrected" else json.dumps(review.correction, ensure_ascii=False)),
        ("reviewer", review.reviewer),
        ("decided", when(review.decided_at)),
        ("note", review.note),
    ]
    for name, text in lines:
        if text:
            click.echo(f"{name:<10} {printable(str(text))}")


def _candidate(candidate: Any) -> str:
    place = "" if candidate.page is None else f"  (page {candidate.page}: {candidate.evidence})"
    return f"{json.dumps(candidate.value, ensure_ascii=False)}{place}"


def _told(db: str | None, review: Review, as_json: bool) -> None:
    """What was decided, and what became of its run."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.store.load import load_run, waits_for

    with existing_database(db).read() as connection:
        run, reason = load_run(connection, review.run_id), waits_for(connection, review.run_id)
    status = None if run is None else run.status.value
    if as_json:
        print_json(review.to_json() | {"run_status": status})
        return
    click.echo(f"{review.field or 'the answer'} is {review.state.value}; run {review.run_id} is {status}")
    if reason is not None:
        click.echo(f"It waits for {reason}")


def _parsed(value: str) -> Any:
    """JSON where it is JSON, text as it is else."""
    try:
        return json.loads(value)
    except ValueError:
        return value
