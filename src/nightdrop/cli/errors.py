"""How a command ends badly: one line on stderr with the error's code, and a stable exit code."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import click

from nightdrop.errors import InputError, NightdropError, UsageError

P = ParamSpec("P")
R = TypeVar("R")

ALL_DONE, SOME_FAILED, BAD_CALL, INTERRUPTED = 0, 1, 2, 130


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose NightdropErrors are said to the user: a wrong call exits 2, any other failure 1."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except NightdropError as error:
            fail(error)

    return guarded


def fail(error: NightdropError) -> NoReturn:
    """Say the error on stderr and exit."""
    click.echo(f"Error: {error}", err=True)
    sys.exit(BAD_CALL if isinstance(error, UsageError | InputError) else SOME_FAILED)
