"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os

import click

_LOGGING = frozenset({"NIGHTDROP_LOG_FORMAT", "NIGHTDROP_LOG_LEVEL"})
_COMMANDS = {
    "batches": ("nightdrop.cli.batches", "batches", "List and show batches."),
    "costs": ("nightdrop.cli.costs", "costs", "Sum the ledger of model calls."),
    "dead-letters": ("nightdrop.cli.dead_letters", "dead_letters", "What failed: look, replay, discard, assign."),
    "deliveries": ("nightdrop.cli.deliveries", "deliveries", "Results on their way to sinks: look, send again."),
    "demo": ("nightdrop.cli.demo", "demo", "See it work on sample documents: no key, no network."),
    "doctor": ("nightdrop.cli.doctor", "doctor", "Say what is installed and configured, and what is wrong."),
    "forget": ("nightdrop.cli.retention", "forget", "Erase one document and all that was derived from it."),
    "prices": ("nightdrop.cli.prices", "prices", "Which models in use have a price."),
    "metrics": ("nightdrop.cli.metrics", "metrics", "Print the metrics that Prometheus reads."),
    "providers": ("nightdrop.cli.providers", "providers", "Paused providers and limits: list, pause, resume."),
    "prune": ("nightdrop.cli.retention", "prune", "Delete old runs, with the documents that nothing needs any more."),
    "reviews": ("nightdrop.cli.reviews", "reviews", "Values that wait for a person: look, accept, correct, reject."),
    "run": ("nightdrop.cli.run", "run", "Run an agent or a workflow over a folder, glob, file or manifest."),
    "serve": ("nightdrop.cli.serve", "serve", "Serve agents over HTTP, and execute what is accepted."),
    "sinks": ("nightdrop.cli.sinks", "sinks", "Put results into a database or a folder outside."),
    "schedules": ("nightdrop.cli.schedules", "schedules", "Make and look at schedules, and at every fire."),
    "audit": ("nightdrop.cli.audit", "audit", "What was asked to be changed over HTTP, by whom."),
    "tokens": ("nightdrop.cli.tokens", "tokens", "Tokens of the HTTP service: create, list, revoke."),
    "watch": ("nightdrop.cli.watch", "watch", "Run each document that comes into a folder or a server."),
    "webhooks": ("nightdrop.cli.webhooks", "webhooks", "Who is told of ends and dead letters, and of what."),
    "worker": ("nightdrop.cli.worker", "worker", "Execute what was accepted, in processes of its own."),
    "worker-process": ("nightdrop.cli.worker", "worker_process", ""),  # not listed: the other commands start it
    "workers": ("nightdrop.cli.workers", "workers", "List the processes that execute runs."),
    "runs": ("nightdrop.cli.runs", "runs", "List, show, cancel, continue and retry runs."),
    "workflow": ("nightdrop.cli.workflow", "workflow", "Check and draw a workflow, move its open runs."),
}


class _LazyGroup(click.Group):
    """Loads a command's module when it is called: `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for name, (_, _, text) in _COMMANDS.items() if text)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        from importlib import import_module

        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in sorted(_COMMANDS.items()) if text])


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"nightdrop {version('nightdrop')}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def cli() -> None:
    """The night drop for documents: documents go in, typed and checked data comes out, nothing is lost."""
    if not _LOGGING.isdisjoint(os.environ):
        from nightdrop.cli.logging import configure

        configure()


def main() -> None:
    """The `nightdrop` command. Exit codes: 0 all done, 1 some failed, 2 bad call, 130 stopped by Ctrl-C."""
    cli.main(prog_name="nightdrop")
