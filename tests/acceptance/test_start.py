"""Help, version and import: what a newcomer sees first, with nothing heavy loaded."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from nightdrop.cli import cli
from tests.acceptance.conftest import called, together

HEAVY = {"sqlalchemy", "dbos", "pydantic", "rich", "alembic", "httpx2", "fsspec", "pypdfium2", "lxml", "asyncio"}


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += _commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


def _imported(*command: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert len(lines) > 20
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize(
    "command", [["-m", "nightdrop", "--help"], ["-m", "nightdrop", "--version"], ["-c", "import nightdrop"]]
)
def test_nothing_heavy_is_imported(command: list[str]) -> None:
    assert _imported(*command) & HEAVY == set()


@pytest.mark.parametrize("noun", ["run", "runs", "batches", "doctor", "demo"])
def test_help_of_a_command_imports_nothing_heavy(noun: str) -> None:
    assert _imported("-m", "nightdrop", noun, "--help") & HEAVY == set()


@pytest.mark.parametrize("path", _commands(cli), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """Each command says what it does, and every option has a help text."""
    result = called(*path, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: nightdrop")
    assert len(result.output.splitlines()) > 4
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    assert command.help
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent in ([], ["limit"])


def test_the_group_lists_exactly_its_commands() -> None:
    out = called("--help").output
    for name in cli.list_commands(click.Context(cli)):
        assert f"\n  {name} " in out


def test_version_and_a_wrong_command() -> None:
    assert called("--version").output == f"nightdrop {version('nightdrop')}\n"
    (wrong,) = together(["rnu"])
    assert wrong.code == 2
    assert "No such command 'rnu'" in wrong.err
