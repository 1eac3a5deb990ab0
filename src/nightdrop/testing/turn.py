"""One turn of the simulated model, before it is written in the form of an API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nightdrop.testing.price import Usage

Said: TypeAlias = Literal["text", "tool", "refusal"]
_PIECES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the model says: `text`, a call of the function `tool` (text: its arguments as JSON), or a refusal.

    id: hex, without the prefix of an API. created: seconds since 1970. truncated: it ran out of output tokens.
    """

    id: str
    created: int
    model: str
    kind: Said
    text: str
    usage: Usage
    tool: str = ""
    truncated: bool = False

    def pieces(self) -> Iterator[str]:
        """The text in a few pieces, as a stream sends it."""
        size = max(1, -(-len(self.text) // _PIECES))
        for start in range(0, len(self.text), size):
            yield self.text[start : start + size]
