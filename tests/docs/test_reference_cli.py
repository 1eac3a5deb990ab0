"""The command line's reference has every command and option, and none that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from nightdrop.cli import cli
from tests.docs.pages import cells, named, page

SECTIONS = page("docs/reference/cli.md").sections


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _commands(found, f"{name} {child}")


COMMANDS = dict(_commands(cli, "nightdrop"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options_are_documented(name: str) -> None:
    options = {flag for parameter in COMMANDS[name].params for flag in (*parameter.opts, *parameter.secondary_opts)}
    arguments = {p.name or "" for p in COMMANDS[name].params if isinstance(p, click.Argument)}
    section = SECTIONS[name]
    table = [cells(line)[0] for line in section.splitlines() if line.startswith("| `")]
    shown = {word for cell in table for word in named(cell) if word.startswith("-")}
    assert shown - {"-h", "--help"} == options - arguments - {"-h", "--help"}
    assert {argument.upper() for argument in arguments} <= named(section)


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert {name for name in SECTIONS if name.startswith("nightdrop")} == set(COMMANDS)
