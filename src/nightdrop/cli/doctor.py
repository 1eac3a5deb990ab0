"""`nightdrop doctor`: what is installed and configured, and what is wrong, with the mend."""

from __future__ import annotations

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors
from nightdrop.cli.options import JSON


@click.command()
@click.option("--db", metavar="PATH|URL", help="The database to look at; default: NIGHTDROP_DB, or ./nightdrop.db.")
@JSON
@reports_errors
def doctor(db: str | None, as_json: bool) -> None:
    """Versions, database, schema version, providers, executing processes, and what is wrong. Exit 1 if anything is."""
    import sys

    from nightdrop.cli.checkup import checkup
    from nightdrop.cli.show import print_json

    report = checkup(db)
    if as_json:
        print_json(report)
    else:
        _print(report)
    sys.exit(SOME_FAILED if report["problems"] else ALL_DONE)


def _print(report: dict[str, object]) -> None:
    for title, part in report.items():
        if title == "problems":
            continue
        click.echo(title.upper())
        if isinstance(part, dict):
            for name, value in part.items():
                click.echo(f"  {name:<18} {value}")
        elif isinstance(part, list):
            for line in part:
                click.echo(f"  {line}")
    problems = report["problems"]
    assert isinstance(problems, list)
    click.echo("PROBLEMS" if problems else "No problems found.")
    for line in problems:
        click.echo(f"  - {line}")
