"""Why a run or a step failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run ended in ERROR. `code` is stable; `retryable` says whether trying again can help."""

    code: str
    message: str
    retryable: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable}
