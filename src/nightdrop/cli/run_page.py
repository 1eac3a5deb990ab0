"""One run printed for a person."""

from __future__ import annotations

import json

import click

from nightdrop.cli.show import print_table, printable, when
from nightdrop.records.run import RunOutput, plain


def _asked(run: RunOutput) -> str | None:
    """What a paused run asks, and the command that answers."""
    if run.pause is None:
        return None
    data = f" {json.dumps(run.pause.data, ensure_ascii=False)}" if run.pause.data else ""
    return f"{run.pause.question}{data}  (answer: nightdrop runs continue {run.run_id} --answer ...)"


def print_run(run: RunOutput, waits_for: str | None) -> None:
    """Everything that is known about a run."""
    lines = [
        ("run", run.run_id),
        ("status", run.status.value),
        ("waits for", waits_for),
        ("asks", _asked(run)),
        ("agent", run.agent_id),
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
    for name, value in lines:
        if value:
            click.echo(f"{name:<10} {printable(value)}")
    if run.fields:
        click.echo()
        print_table(
            ["FIELD", "VALUE", "CONFIDENCE", "PAGE", "EVIDENCE"],
            [
                [
                    path,
                    "" if f.value is None else str(f.value).replace("\n", " / "),
                    "" if f.confidence is None else f"{f.confidence:.2f}",
                    "" if f.page is None else str(f.page),
                    (f.evidence or "").replace("\n", " / "),
                ]
                for path, f in run.fields.items()
            ],
            fold="EVIDENCE",
        )
    elif run.content is not None:
        click.echo(json.dumps(plain(run.content), ensure_ascii=False, indent=2))
