"""`nightdrop metrics`: what Prometheus reads at `/metrics`, once, on stdout."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB


@click.command()
@DB
@reports_errors
def metrics(db: str | None) -> None:
    """Print the metrics of a database as Prometheus reads them."""
    from nightdrop import clock
    from nightdrop.cli.load import existing_database
    from nightdrop.metrics import render

    click.echo(render(existing_database(db), clock.now_ms()), nl=False)
