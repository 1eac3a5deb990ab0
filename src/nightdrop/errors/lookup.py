"""Looking errors up: by code, and all of them."""

from __future__ import annotations

from nightdrop.errors.document import InputError
from nightdrop.errors.root import NightdropError


def input_error(code: str, message: str) -> InputError:
    """The InputError subclass whose code is `code`, with this message (used to rebuild one that crossed a process)."""
    for kind in _every_subclass(InputError):
        if kind.code == code and issubclass(kind, InputError):
            return kind(message)
    return InputError(message, code=code)


def every_error() -> list[type[NightdropError]]:
    """All error classes, the root first: what the reference page and its test walk."""
    return [NightdropError, *_every_subclass(NightdropError)]


def _every_subclass(root: type[NightdropError]) -> list[type[NightdropError]]:
    found: list[type[NightdropError]] = []
    for kind in root.__subclasses__():
        found.append(kind)
        found.extend(_every_subclass(kind))
    return found
