"""When a run waits for a person: the agent's `review=`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nightdrop.errors import UsageError
from nightdrop.records.paths import is_meant

_UNKNOWN = 0.5  # how likely a value is right that nobody knows anything about


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPolicy:
    """A run with a doubtful value ends PAUSED, with one review for each of them.

    below: a confidence that is too low; unknown for want of text is too. fields: the paths that are looked at, `*` for
    any part, all of them without. rules: a failed validator is a reason too. sample: the share of the other runs, 0 to
    1, that gets a review of its own while it stays COMPLETED. costs: path to what an error there costs, in any unit;
    others cost 1.
    """

    below: float = 0.6
    fields: Sequence[str] = ()
    sample: float = 0.0
    rules: bool = True
    costs: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, share in (("below", self.below), ("sample", self.sample)):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise UsageError(f"ReviewPolicy({name}={share!r}): give a number from 0 to 1")
        if isinstance(self.fields, str) or not all(isinstance(path, str) for path in self.fields):
            raise UsageError(f"ReviewPolicy(fields={self.fields!r}): give a list of paths, such as ['total', 'lines']")
        if not all(isinstance(cost, int | float) and cost >= 0 for cost in self.costs.values()):
            raise UsageError(f"ReviewPolicy(costs={self.costs!r}): give numbers of 0 and above")
        object.__setattr__(self, "fields", tuple(self.fields))

    def looks_at(self, path: str) -> bool:
        """Whether this field can pause a run."""
        return not self.fields or any(is_meant(path, pattern) for pattern in self.fields)

    def risk(self, path: str, confidence: float | None) -> float:
        """Expected cost of leaving the value as it is: how likely it is wrong, times what that costs."""
        meant = [pattern for pattern in self.costs if is_meant(path, pattern)]
        cost = self.costs[max(meant, key=lambda pattern: pattern.count("."))] if meant else 1.0
        return round((1 - (_UNKNOWN if confidence is None else confidence)) * cost, 4)
