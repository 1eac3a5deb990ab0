"""`nightdrop prune` and `nightdrop forget`: letting go of what is old, and of one document."""

from __future__ import annotations

import sys

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON


@click.command()
@click.option("--older-than", metavar="AGE", required=True, help="Runs that ended longer ago: 12h, 90d, 26w.")
@click.option("--dead-letters", is_flag=True, help="Also runs with an open dead letter.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@DB
@JSON
@reports_errors
def prune(older_than: str, dead_letters: bool, dry_run: bool, db: str | None, as_json: bool) -> None:
    """Delete runs that ended long ago, with their documents, as far as nothing else needs them.

    Open and paused runs stay, and what model calls cost. Workers may go on meanwhile.
    """
    from nightdrop import clock
    from nightdrop.cli.age import age_ms
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.retention import prune as delete
    from nightdrop.retention import would_prune

    now_ms = clock.now_ms()
    cutoff_ms = now_ms - age_ms(older_than, "--older-than")
    database = existing_database(db)
    if dry_run:
        went = would_prune(database, cutoff_ms, dead_letters=dead_letters)
    else:
        went = delete(database, cutoff_ms, now_ms=now_ms, dead_letters=dead_letters)
    database.close()
    if as_json:
        print_json(went.to_json() | {"dry_run": dry_run})
        return
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(
        f"{verb}: {went.runs} runs, {went.dead_letters} dead letters, {went.documents} documents "
        f"({went.bytes / 1024 / 1024:.1f} MB)"
    )
    if not dry_run:
        click.echo(
            f"and {went.batches} batches, {went.engine_rows} engine rows, {went.orphans} stray files, "
            f"{went.deliveries} deliveries of webhooks"
        )


@click.command()
@click.argument("sha256")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@DB
@JSON
@reports_errors
def forget(sha256: str, yes: bool, db: str | None, as_json: bool) -> None:
    """Erase the document with this SHA256 and all that was derived from it. What it cost stays as amounts."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.errors import UsageError
    from nightdrop.retention import forget as erase

    database = existing_database(db)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("forget cannot be undone: give --yes")
        click.confirm(f"Erase document {sha256} and all its results from {database.label}?", abort=True)
    gone = erase(database, sha256.lower())
    database.close()
    if as_json:
        print_json(gone.to_json())
    else:
        click.echo(f"erased: {gone.sha256}, {gone.runs} runs, {gone.dead_letters} dead letters")
