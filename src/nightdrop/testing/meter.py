"""The provider's own meter: one append-only entry for each request, whatever became of it."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from nightdrop.testing.price import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCall:
    """One request as the provider saw it.

    outcome: `answered`, `client_gone` (computed, but nobody was there to read it), `429`, `400`, `simulator_error`, or
    the kind of the fault. billed: the answer was computed, so it costs `cents`, whether or not it was ever read.
    Times are milliseconds since 1970. call_id: the request's header `x-nightdrop-call-id`. limited_by: which hidden
    limit (requests, tokens, concurrency) a 429 came from; None for a 429 that the fault plan asked for.
    """

    id: str
    received_at: int
    recorded_at: int
    api: str
    outcome: str
    billed: bool
    model: str = ""
    call_id: str | None = None
    files: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cents: Decimal = Decimal(0)
    limited_by: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON data; cents are a string, so that no cent is lost to binary fractions."""
        return asdict(self) | {"files": list(self.files), "cents": str(self.cents)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MeterCall:
        """The entry that `to_json` wrote."""
        return cls(**(data | {"files": tuple(data["files"]), "cents": Decimal(data["cents"])}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTotals:
    """Sums over all entries; tokens and cents count billed calls only."""

    calls: int = 0
    billed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cents: Decimal = Decimal(0)
    outcomes: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The sums as JSON data; cents are a string."""
        return asdict(self) | {"cents": str(self.cents)}


class Meter:
    """Entries in memory and, with `file`, one flushed JSON line each.

    The entry of an answer is written before the answer is sent. The file is appended to, never truncated. Safe to read
    from any thread.
    """

    def __init__(self, *, price: Price | None = None, file: str | os.PathLike[str] | None = None) -> None:
        self.price = price or Price()
        self._calls: list[MeterCall] = []
        self._lock = threading.Lock()
        self._path = None if file is None else Path(file)
        self._file: TextIO | None = None

    @property
    def calls(self) -> tuple[MeterCall, ...]:
        """Every entry so far, in the order in which they were recorded."""
        with self._lock:
            return tuple(self._calls)

    def totals(self) -> MeterTotals:
        """Sums over `calls`."""
        return total(self.calls)

    def record(self, call: MeterCall) -> None:
        """Append one entry, to the file first."""
        with self._lock:
            if self._path is not None:
                if self._file is None:
                    self._file = self._path.open("a", encoding="utf-8")
                self._file.write(json.dumps(call.to_json()) + "\n")
                self._file.flush()
            self._calls.append(call)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the billed calls as a provider's bill, for `nightdrop costs reconcile`: CSV with the columns
        id (the caller's call id), day (UTC), model, input_tokens, output_tokens and cost (US dollars)."""
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["id", "day", "model", "input_tokens", "output_tokens", "cost"])
            for call in self.calls:
                if call.billed:
                    day = datetime.fromtimestamp(call.received_at / 1000, tz=UTC).date().isoformat()
                    amounts = [call.input_tokens, call.output_tokens, format(call.cents / 100, "f")]
                    writer.writerow([call.call_id or "", day, call.model, *amounts])

    def clear(self) -> None:
        """Forget the entries in memory; the file keeps its lines."""
        with self._lock:
            self._calls.clear()

    def close(self) -> None:
        """Close the file; a later entry opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def total(calls: tuple[MeterCall, ...]) -> MeterTotals:
    """Sums over these entries."""
    billed = [call for call in calls if call.billed]
    return MeterTotals(
        calls=len(calls),
        billed_calls=len(billed),
        input_tokens=sum(call.input_tokens for call in billed),
        output_tokens=sum(call.output_tokens for call in billed),
        cached_tokens=sum(call.cached_tokens for call in billed),
        cents=sum((call.cents for call in billed), Decimal(0)),
        outcomes=dict(Counter(call.outcome for call in calls)),
    )


def read_meter_file(path: str | os.PathLike[str]) -> tuple[MeterCall, ...]:
    """The entries of a meter file; empty when no call was recorded yet."""
    file = Path(path)
    if not file.exists():
        return ()
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(MeterCall.from_json(json.loads(line)) for line in lines)
