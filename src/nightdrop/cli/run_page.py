"""One run printed for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from nightdrop import clock
from nightdrop.cli.show import print_table, printable, when
from nightdrop.cli.step_tree import step_table
from nightdrop.records.field import FieldResult
from nightdrop.records.run import RunOutput, plain


def _asked(run: RunOutput) -> str | None:
    """What a paused run asks, and the command that answers."""
    if run.pause is None:
        return None
    data = f" {json.dumps(run.pause.data, ensure_ascii=False)}" if run.pause.data else ""
    return f"{run.pause.question}{data}  (answer: nightdrop runs continue {run.run_id} --answer ...)"


def print_run(run: RunOutput, waits_for: str | None, *, evidence: bool = False) -> None:
    """What is known about a run. evidence: also how and where each value was found."""
    lines = [
        ("run", run.run_id),
        ("status", run.status.value),
        ("waits for", waits_for),
        ("asks", _asked(run)),
        ("agent", run.agent_id),
        ("workflow", run.workflow_id),
        ("batch", run.batch_id),
        ("session", run.session_id),
        ("attempts", str(run.attempts)),
        ("error", None if run.error is None else str(run.error)),
        ("created", when(run.created_at)),
        ("started", when(run.started_at)),
        ("completed", when(run.completed_at)),
    ]
    for file in run.input.files:
        lines += [("file", file.source or file.filename), ("sha256", file.sha256)]
    lines += [("wrong", f"{check.message}  ({check.rule})") for check in run.checks if not check.passed]
    if evidence:
        lines += [("right", check.rule) for check in run.checks if check.passed]
    for name, value in lines:
        if value:
            click.echo(f"{name:<10} {printable(value)}")
    if run.steps or run.open_steps:
        click.echo()
        print_table(*step_table(run.steps, run.open_steps, clock.now_ms()), fold="NOTE")
    if run.fields:
        click.echo()
        columns = [*_SHORT, *(_PLACES if evidence else {})]
        print_table(columns, [_cells(path, f, evidence) for path, f in run.fields.items()], fold="EVIDENCE")
    elif run.content is not None:
        if run.steps:
            click.echo()
        click.echo(json.dumps(plain(run.content), ensure_ascii=False, indent=2))


def _cells(path: str, found: FieldResult, evidence: bool) -> list[str]:
    read = [*_SHORT.values(), *(_PLACES.values() if evidence else ())]
    return [path, *(cell(found).replace("\n", " / ") for cell in read[1:])]


def _place(found: FieldResult) -> str:
    """Points on the page, or characters of its text."""
    if found.bbox is not None:
        return " ".join(f"{edge:.0f}" for edge in found.bbox)
    return "" if found.span is None else f"{found.span[0]}-{found.span[1]}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_SHORT: dict[str, Callable[[FieldResult], str]] = {
    "FIELD": lambda f: "",
    "VALUE": lambda f: _text(f.value),
    "CONFIDENCE": lambda f: _share(f.confidence),
    "PAGE": lambda f: _text(f.page),
    "EVIDENCE": lambda f: f.evidence or "",
}
_PLACES: dict[str, Callable[[FieldResult], str]] = {
    "MATCH": lambda f: _text(f.match),
    "DOCUMENT": lambda f: _text(f.document),
    "PLACE": _place,
    "SAID": lambda f: _share(f.said),
}
