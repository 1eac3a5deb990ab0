"""What happens in a streamed run before its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """started: the run was taken on. text: a piece of the answer as the model writes it, in `text`."""

    kind: Literal["started", "text"]
    text: str = ""
