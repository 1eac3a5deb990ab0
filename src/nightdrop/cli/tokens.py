"""`nightdrop tokens`: who may use the HTTP service."""

from __future__ import annotations

from collections.abc import Sequence

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON

_SCOPES = click.Choice(["read", "run", "review", "admin"])


@click.group()
def tokens() -> None:
    """Tokens of the HTTP service. As soon as there is one, every request needs one."""


@tokens.command()
@click.option("--scope", "scopes", type=_SCOPES, multiple=True, required=True, help="What it is for; may be repeated.")
@click.option("--name", default="", help="Whose it is, for the audit.  [default: its id]")
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1, 1_000_000),
    default=600,
    show_default=True,
    help="How many requests each serving process takes of it in a minute.",
)
@DB
@JSON
@reports_errors
def create(scopes: Sequence[str], name: str, requests_per_minute: int, db: str | None, as_json: bool) -> None:
    """Make a token and print it, once: only a hash of it is kept."""
    from nightdrop.cli.load import open_database
    from nightdrop.cli.show import print_json
    from nightdrop.records.token import Scope
    from nightdrop.store.tokens import create_token

    wanted = [Scope(scope) for scope in scopes]
    token, text = create_token(open_database(db), wanted, name=name, requests_per_minute=requests_per_minute)
    if as_json:
        print_json(token.to_json() | {"token": text})
        return
    click.echo(text)
    click.echo(f"Token {token.id} for {', '.join(token.scopes)}. It is shown this once.", err=True)


@tokens.command("list")
@click.option("--all", "everything", is_flag=True, help="Revoked ones too.")
@DB
@JSON
@reports_errors
def list_(everything: bool, db: str | None, as_json: bool) -> None:
    """Tokens, newest first, without their texts."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.store.tokens import list_tokens

    with existing_database(db).read() as connection:
        found = list_tokens(connection, revoked=everything)
    if as_json:
        print_page([token.to_json() for token in found], None)
        return
    print_table(
        ["TOKEN", "NAME", "SCOPES", "PER MINUTE", "CREATED", "REVOKED"],
        [
            [t.id, t.name, " ".join(t.scopes), str(t.requests_per_minute), when(t.created_at), when(t.revoked_at)]
            for t in found
        ],
        fold="NAME",
    )


@tokens.command()
@click.argument("token_id")
@DB
@reports_errors
def revoke(token_id: str, db: str | None) -> None:
    """Let a token in no more, from a second from now on."""
    from nightdrop.cli.load import existing_database
    from nightdrop.store.tokens import revoke_token

    revoke_token(existing_database(db), token_id)
    click.echo(f"{token_id} is revoked")
