"""`nightdrop workflow`: look a workflow over, draw it, and give its open runs a new revision."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors
from nightdrop.cli.options import JSON


@click.group()
def workflow() -> None:
    """Check and draw a workflow before anything runs; move its open runs to another revision."""


@workflow.command("check")
@click.argument("app")
@JSON
@reports_errors
def check(app: str, as_json: bool) -> None:
    """Look over the workflow that APP names, such as app.py:workflow: names, branches, loops, return types, models.

    Nothing runs. Exit code 1 if there is a problem, 0 otherwise.
    """
    from nightdrop.cli.load import load_workflow
    from nightdrop.cli.show import print_page, print_table
    from nightdrop.workflows.inspect import inspect

    made = load_workflow(app, "APP")
    made.check()
    findings = inspect(made.spec)
    problems = [finding for finding in findings if finding.is_problem]
    if as_json:
        print_page([finding.to_json() for finding in findings], None)
    elif findings:
        rows = [["problem" if f.is_problem else "note", f.kind, f.path, f.message] for f in findings]
        print_table(["", "KIND", "STEP", "WHAT"], rows, fold="WHAT")
    else:
        click.echo(f"{made.id}: nothing found")
    sys.exit(SOME_FAILED if problems else ALL_DONE)


@workflow.command("draw")
@click.argument("app")
@click.option("--format", "form", type=click.Choice(["mermaid", "svg"]), help="Default: by --out, else mermaid.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it here, .svg or .mmd, instead of to stdout.")
@reports_errors
def draw(app: str, form: str | None, out: Path | None) -> None:
    """Draw the workflow that APP names, such as app.py:workflow. Nothing runs."""
    from nightdrop.cli.load import load_workflow
    from nightdrop.errors import UsageError
    from nightdrop.workflows.mermaid import mermaid
    from nightdrop.workflows.svg import svg

    if form is None and out is not None and out.suffix not in (".svg", ".mmd"):
        raise UsageError(f"--out {out}: a drawing ends in .svg or .mmd; or say --format")
    spec = load_workflow(app, "APP").spec
    as_svg = form == "svg" or (form is None and out is not None and out.suffix == ".svg")
    text = svg(spec) if as_svg else mermaid(spec)
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--out {out} cannot be written: {error.strerror}") from error


@workflow.command("move")
@click.argument("app")
@click.option("--revision", metavar="REVISION", help="Only runs at this revision.  [default: at any other]")
@click.option(
    "--db", metavar="PATH|URL", help="The database; default: the workflow's, NIGHTDROP_DB, or ./nightdrop.db."
)
@JSON
@reports_errors
def move(app: str, revision: str | None, db: str | None, as_json: bool) -> None:
    """Give the waiting and paused runs of an older revision the one that APP, such as app.py:workflow, has now.

    What is recorded of them is kept, by the steps' paths. Runs that a process is executing end under their own.
    """
    from nightdrop.cli.load import load_workflow, open_database
    from nightdrop.cli.show import print_json
    from nightdrop.store.steps import move_runs

    made = load_workflow(app, "APP")
    database = open_database(db, made)
    moved = database.transact(lambda c: move_runs(c, made.spec.subject, revision))
    if as_json:
        print_json({"moved": moved, "revision": made.revision})
    else:
        click.echo(f"{moved} runs are at revision {made.revision} now")
