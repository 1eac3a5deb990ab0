"""`nightdrop providers`: which providers are paused, why and until when; pausing and resuming them."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON


@click.group(invoke_without_command=True)
@DB
@JSON
@click.pass_context
def providers(ctx: click.Context, db: str | None, as_json: bool) -> None:
    """Providers of models: list those that are paused or in use, pause and resume them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, db=db, as_json=as_json)


@providers.command("list")
@DB
@JSON
@reports_errors
def list_(db: str | None, as_json: bool) -> None:
    """Paused providers with the reason and the next try, and limits in use with what was found out."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json, print_table, when
    from nightdrop.clock import to_datetime

    found = existing_database(db).providers
    pauses, limits = found.list(), found.limits()
    if as_json:
        items = [pause.to_json() for pause in pauses]
        print_json({"items": items, "next_cursor": None, "limits": [limit.to_json() for limit in limits]})
        return
    if pauses:
        print_table(
            ["PROVIDER", "REASON", "SINCE", "NEXT TRY", "RUNS WAITING", "MESSAGE"],
            [
                [
                    pause.name,
                    pause.code,
                    when(to_datetime(pause.since)),
                    when(to_datetime(pause.probe_at)) or "when resumed",
                    str(pause.waiting),
                    pause.message,
                ]
                for pause in pauses
            ],
            fold="MESSAGE",
        )
    else:
        click.echo("No provider is paused.")
    if limits:
        print_table(
            ["LIMIT", "AT A TIME", "PROCESSES", "UNDER WAY AND WAITING"],
            [[i.key, f"{i.concurrency:.0f}", str(i.processes), str(i.demand)] for i in limits],
        )


@providers.command("resume")
@click.argument("name")
@DB
@JSON
@reports_errors
def resume(name: str, db: str | None, as_json: bool) -> None:
    """Ask NAME again now: `openai` for all its keys, or a whole name as `providers list` shows it."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json

    freed = existing_database(db).providers.resume(name)
    if as_json:
        print_json({"name": name, "freed": freed})
        return
    click.echo(f"{name} is resumed: {freed} runs that waited for it go on")


@providers.command("pause")
@click.argument("name")
@click.option("--reason", default="paused by hand", show_default=True, help="Shown wherever the pause is.")
@DB
@JSON
@reports_errors
def pause(name: str, reason: str, db: str | None, as_json: bool) -> None:
    """Make no call of NAME until it is resumed: `openai` for all its keys, or a whole name."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json

    existing_database(db).providers.pause(name, reason)
    if as_json:
        print_json({"name": name, "reason": reason})
        return
    click.echo(f"{name} is paused: go on with `nightdrop providers resume {name}`")
