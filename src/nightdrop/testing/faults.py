"""The fault plan: which calls go wrong, and how."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeAlias

from nightdrop.errors import UsageError


class FaultKind(StrEnum):
    """What can go wrong."""

    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    OVERLOADED = "529"
    RATE_LIMITED = "429"
    UNAUTHORIZED = "401"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    RESET = "reset"
    RESET_AFTER = "reset_after"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    REFUSAL = "refusal"
    SLOW_DRIP = "slow_drip"


_BILLED = frozenset(
    {FaultKind.RESET_AFTER, FaultKind.TRUNCATED, FaultKind.INVALID, FaultKind.REFUSAL, FaultKind.SLOW_DRIP}
)
FaultsGiven: TypeAlias = "FaultPlan | Iterable[Fault] | Mapping[Any, str] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. It fits a call when every condition that is given does; without conditions it fits every call.

    calls: ordinals of admitted calls, from 1. files: sha256 of a document in the request. first: the first k calls of
    every document. probability: 0 to 1, drawn from the plan's seed, the document and how often it came, so that order
    does not matter. times: how often the rule may strike in all.
    seconds: `retry-after` of a 429 (1), or how long a slow drip takes (10).
    billed: overrides whether the call is paid for (a timeout is not, unless this says so).
    """

    kind: FaultKind | str
    calls: tuple[int, ...] | None = None
    files: tuple[str, ...] | None = None
    first: int | None = None
    probability: float | None = None
    times: int | None = None
    seconds: float | None = None
    billed: bool | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", FaultKind(str(self.kind)))
        except ValueError:
            kinds = ", ".join(kind.value for kind in FaultKind)
            raise UsageError(f"there is no fault {self.kind!r}; the kinds are {kinds}") from None

    @classmethod
    def from_json(cls, data: object) -> Fault:
        """A rule from JSON data with the same names."""
        known = {item.name for item in fields(cls)}
        if not isinstance(data, Mapping) or "kind" not in data or not set(data) <= known:
            raise UsageError(f"a fault is an object with kind and any of {', '.join(sorted(known - {'kind'}))}")
        lists = {name: tuple(data[name]) for name in ("calls", "files") if data.get(name) is not None}
        return cls(**{**data, **lists})

    def to_json(self) -> dict[str, Any]:
        """The rule as JSON data, without what is not set."""
        named = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in named.items() if v is not None}

    @property
    def is_billed(self) -> bool:
        """True when the answer is computed, and so paid for."""
        return self.kind in _BILLED if self.billed is None else self.billed


class FaultPlan:
    """Rules in order: the first one that fits a call strikes. Calls that a hidden limit refuses do not count."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.seed = seed
        self._calls = 0
        self._of_document: Counter[str] = Counter()
        self._struck: Counter[int] = Counter()

    @classmethod
    def of(cls, given: FaultsGiven) -> FaultPlan:
        """A plan from a list of rules, or from the short form {nth call or sha256: kind}."""
        if isinstance(given, FaultPlan):
            return given
        if isinstance(given, Mapping):
            return cls(_short(key, kind) for key, kind in given.items())
        return cls(given or ())

    @classmethod
    def from_json(cls, data: object) -> FaultPlan:
        """A plan from `[rule, ...]`, `{"seed": 7, "faults": [rule, ...]}` or the short form `{"3": "500"}`."""
        if isinstance(data, Mapping) and isinstance(data.get("faults"), list):
            return cls([Fault.from_json(item) for item in data["faults"]], seed=int(data.get("seed", 0)))
        if isinstance(data, list):
            return cls([Fault.from_json(item) for item in data])
        if isinstance(data, Mapping):
            return cls.of(data)
        raise UsageError(
            'a fault plan is a list of faults, {"seed": ..., "faults": [...]} or {nth call or sha256: kind}'
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON data."""
        return {"seed": self.seed, "faults": [fault.to_json() for fault in self.faults]}

    def decide(self, document: str, files: tuple[str, ...]) -> Fault | None:
        """The fault of the next call, which is about this document; None when it goes well. Counts the call."""
        self._calls += 1
        if not self.faults:
            return None
        self._of_document[document] += 1
        for index, fault in enumerate(self.faults):
            if self._fits(index, document, files):
                self._struck[index] += 1
                return fault
        return None

    def _fits(self, index: int, document: str, files: tuple[str, ...]) -> bool:
        fault = self.faults[index]
        nth = self._of_document[document]
        if fault.calls is not None and self._calls not in fault.calls:
            return False
        if fault.files is not None and not set(fault.files) & set(files):
            return False
        if fault.first is not None and nth > fault.first:
            return False
        if fault.times is not None and self._struck[index] >= fault.times:
            return False
        if fault.probability is None:
            return True
        return random.Random(f"{self.seed}:{index}:{document}:{nth}").random() < fault.probability


def _short(key: object, kind: object) -> Fault:
    text = str(key)
    if text.isdigit() and len(text) < 20:
        return Fault(kind=str(kind), calls=(int(text),))
    if len(text) == 64:
        return Fault(kind=str(kind), files=(text,))
    raise UsageError(f"a fault plan's key is the number of a call or the sha256 of a file, not {text!r}")
