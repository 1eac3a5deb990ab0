"""What a provider may be asked at once and per minute, as its user says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from nightdrop.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Bounds of one provider, model and key, over all processes on one database together.

    requests_per_minute, tokens_per_minute: None: nobody says, what the provider's answers tell is kept to.
    concurrency: calls at a time; "auto": found out. Raises UsageError for what is not above 0.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or (item.name == "concurrency" and value == "auto"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                word = ', or "auto"' if item.name == "concurrency" else ""
                raise UsageError(f"RateLimit({item.name}={value!r}): give a whole number of 1 or more{word}")
        if self.concurrency is None:
            raise UsageError('RateLimit(concurrency=None): give a whole number of 1 or more, or "auto"')

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str) -> RateLimit:
        """A limit from a table of `limits.toml`; `where` names it in what is raised. Raises UsageError."""
        known = [item.name for item in fields(cls)]
        unknown = sorted(set(table) - set(known))
        if unknown:
            raise UsageError(f"{where}: {unknown[0]!r} is no limit; the limits are {', '.join(known)}")
        try:
            return cls(**table)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}") from error
