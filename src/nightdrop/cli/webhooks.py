"""`nightdrop webhooks`: who is told of ends and dead letters, and what became of each delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT

if TYPE_CHECKING:
    from nightdrop.store.webhooks import Webhooks


@click.group()
def webhooks() -> None:
    """Say who is told of ends and dead letters, and see what became of each delivery."""


@webhooks.command("list")
@DB
@JSON
@reports_errors
def list_(db: str | None, as_json: bool) -> None:
    """Webhooks, oldest first; secrets are not shown."""
    from nightdrop.cli.show import print_page, print_table, when

    found = _desk(db).list()
    if as_json:
        print_page([webhook.to_json() for webhook in found], None)
        return
    print_table(
        ["WEBHOOK", "URL", "EVENTS", "DESCRIPTION", "SINCE"],
        [[w.id or "", w.url, " ".join(w.events), w.description or "", when(w.created_at)] for w in found],
        fold="EVENTS",
    )


@webhooks.command()
@click.argument("url")
@click.option("--event", "events", multiple=True, help="Only this, such as run.error or batch.*; may be given again.")
@click.option("--secret", help="What requests are signed with: env:NAME, whsec_...; default: a new one, shown once.")
@click.option("--description", help="A line for people.")
@DB
@JSON
@reports_errors
def create(
    url: str, events: tuple[str, ...], secret: str | None, description: str | None, db: str | None, as_json: bool
) -> None:
    """Tell this URL from now on. Worker processes send; URLs that are not public need NIGHTDROP_ALLOW_HOSTS."""
    import base64
    import secrets

    from nightdrop.cli.load import open_database
    from nightdrop.cli.show import print_json, printable
    from nightdrop.records.webhook import Webhook

    given = secret or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    wanted = Webhook(url=url, events=events or ("*",), secret=given, description=description)
    made = open_database(db).webhooks.create(wanted)
    shown: dict[str, Any] = made.to_json() | ({} if secret else {"secret": given})
    if as_json:
        print_json(shown)
        return
    click.echo(printable(f"{made.id}: {made.url} is told of {', '.join(made.events)}"))
    if not secret:
        click.echo(f"Its secret, which is not shown again: {given}")


@webhooks.command()
@click.argument("webhook_id")
@DB
@reports_errors
def delete(webhook_id: str, db: str | None) -> None:
    """Tell it no more; what is on its way ends dead."""
    _desk(db).delete(webhook_id)
    click.echo(f"{webhook_id} is deleted; its deliveries stay.")


@webhooks.command()
@click.option("--webhook", "webhook_id", metavar="ID", help="Only of this webhook.")
@click.option("--state", type=click.Choice(["pending", "delivered", "dead"]), help="Only those in this state.")
@click.option("--event", help="Only of this event, such as run.error.")
@click.option("--about", metavar="ID", help="Only about this run, batch or schedule run.")
@LIMIT
@CURSOR
@DB
@JSON
@reports_errors
def deliveries(limit: int, cursor: str | None, db: str | None, as_json: bool, **given: str | None) -> None:
    """Deliveries, newest first."""
    from nightdrop.cli.show import print_page, print_table, when

    found = list(_desk(db).deliveries(**given, before=cursor, limit=limit + 1))
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([delivery.to_json() for delivery in page], page[-1].id if more else None)
        return
    print_table(
        ["DELIVERY", "EVENT", "ABOUT", "STATE", "TRIES", "CODE", "ERROR", "HAPPENED", "NEXT"],
        [
            [
                delivery.id,
                delivery.event,
                delivery.about,
                delivery.state.value,
                str(delivery.attempts),
                str(delivery.status_code or ""),
                delivery.error or "",
                when(delivery.created_at),
                when(delivery.next_attempt_at),
            ]
            for delivery in page
        ],
        fold="ERROR",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].id}")


@webhooks.command()
@click.argument("delivery_ids", nargs=-1)
@click.option("--all-dead", is_flag=True, help="Every dead one: instead of ids.")
@click.option("--webhook", "webhook_id", metavar="ID", help="With --all-dead: only of this webhook.")
@DB
@JSON
@reports_errors
def replay(
    delivery_ids: tuple[str, ...], all_dead: bool, webhook_id: str | None, db: str | None, as_json: bool
) -> None:
    """Send deliveries again, by id or all that are dead. Receivers know them by their webhook-id."""
    from nightdrop.cli.show import print_json
    from nightdrop.errors import UsageError

    if bool(delivery_ids) == all_dead or (webhook_id is not None and not all_dead):
        raise UsageError("name deliveries by id, or give --all-dead, with --webhook ID for those of one")
    desk = _desk(db)
    count = desk.replay_dead(webhook_id) if all_dead else desk.replay(delivery_ids)
    if as_json:
        print_json({"replayed": count})
        return
    click.echo(f"{count} deliveries are due again; worker processes send them")


def _desk(db: str | None) -> Webhooks:
    from nightdrop.cli.load import existing_database

    return existing_database(db).webhooks
