"""What a rule is: a name, and a test of an answer that gives every failure with the fields it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


class Failed(ValueError):
    """What a rule found wrong. fields: the dotted paths it is about; none: the answer as a whole.

    A validator function raises or returns it. ask_again: the message is worth another try of the model.
    """

    def __init__(self, message: str, *fields: str, ask_again: bool = False) -> None:
        self.message = message
        self.fields = fields
        self.ask_again = ask_again
        super().__init__(message)

    def __repr__(self) -> str:
        return f"Failed({self.message!r}, fields={self.fields!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A declarative rule. name: what it says, part of the agent's revision. test: over the content as JSON data.

    ask_again: when it fails, the model is asked once more, with the rule's message.
    """

    name: str
    test: Callable[[Any], Iterable[Failed]]
    ask_again: bool = False

    def __repr__(self) -> str:
        return self.name


def named(function: str, *given: Any, **options: Any) -> str:
    """A rule's name, as its call is written; options of None are left out."""
    words = [repr(value) for value in given]
    words += [f"{name}={value!r}" for name, value in options.items() if value is not None]
    return f"{function}({', '.join(words)})"
