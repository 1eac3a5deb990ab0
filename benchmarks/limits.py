"""Limits: how much of a hidden limit is used, beside what others do:

    python benchmarks/limits.py [--db URL] [--seconds 75] [--sides nightdrop,semaphore,bucket,naive] [--cases ...]

A simulated provider with hidden limits and 0.5 s for each call, 4 processes on one database. *Used*: answered calls in
the steady state (from 20 s after the first call to 5 s before the end) beside what the provider would have allowed.
*429*: share of the calls in that time that were refused. *Found again*: seconds after a change until 90 % of the new
limit is used for 5 seconds. Exit code 1 when a document of ours was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightdrop.testing import Latency, Limits, MeterCall, SimulatedProvider

HERE = Path(__file__).parent
LATENCY = 0.5
TOKENS_OF_A_CALL = 25  # of ours, or more: how many documents a token limit needs
PROCESSES = 4
RAMP_SECONDS, TAIL_SECONDS = 20, 5


@dataclass(frozen=True)
class Case:
    """Hidden limits, and what they become after so many seconds. rates: calls a second that each of them allows, or
    tokens, where `counts_tokens`."""

    name: str
    limits: Sequence[tuple[float, Limits]]
    rates: Sequence[float]
    counts_tokens: bool = False


def cases() -> list[Case]:
    """Everything that is measured. Capacities are such that two cores can drive them four times over."""
    return [
        Case("32 at a time", [(0, Limits(concurrency=32))], [64]),
        Case("1,800 requests a minute", [(0, Limits(requests_per_minute=1800, window_seconds=5))], [30]),
        Case("48,600 tokens a minute", [(0, Limits(tokens_per_minute=48_600, window_seconds=5))], [810], True),
        Case(
            "32, then 8, then 24 at a time",
            [(0, Limits(concurrency=32)), (40, Limits(concurrency=8)), (80, Limits(concurrency=24))],
            [64, 16, 48],
        ),
        Case(
            "1,800, then 600, then 1,500 requests a minute",
            [
                (0, Limits(requests_per_minute=1800, window_seconds=5)),
                (40, Limits(requests_per_minute=600, window_seconds=5)),
                (80, Limits(requests_per_minute=1500, window_seconds=5)),
            ],
            [30, 10, 25],
        ),
    ]


class Run:
    """One side on one case."""

    def __init__(self, case: Case, side: str, given: argparse.Namespace) -> None:
        self.case, self.side, self.given = case, side, given
        self.seconds = given.seconds if len(case.limits) == 1 else 125.0
        self.lost: int | None = None
        self.provider = SimulatedProvider(latency=Latency.fixed(LATENCY), limits=case.limits[0][1])

    def run(self) -> None:
        """Do it, and print the row."""
        with self.provider:
            watch = threading.Thread(target=self._change, daemon=True)
            watch.start()
            if self.side == "nightdrop":
                self._ours()
            else:
                self._theirs()
            self._print()

    def _change(self) -> None:
        while not self.provider.meter.calls:
            time.sleep(0.05)
        begun = time.monotonic()
        for at, limits in self.case.limits[1:]:
            time.sleep(max(0.0, begun + at - time.monotonic()))
            self.provider.set_limits(limits)

    def _ours(self) -> None:
        spans = [*[at for at, _ in self.case.limits], self.seconds]
        worth = TOKENS_OF_A_CALL if self.case.counts_tokens else 1
        parts = zip(self.case.rates, spans, spans[1:], strict=False)
        count = sum(int(rate / worth * (end - at)) for rate, at, end in parts)
        with tempfile.TemporaryDirectory() as name:
            drop = Path(name, "drop")
            drop.mkdir()
            for number in range(count):
                (drop / f"{number:05}.txt").write_text(f"Invoice {self.case.name} {time.time_ns()} {number}.")
            place = self.given.db or str(Path(name, "limits.db"))
            command = [sys.executable, "-m", "nightdrop", "run", str(drop), "--agent", f"{HERE}/limits_app.py:agent"]
            command += ["--json", "--processes", str(PROCESSES)]
            environment = {**os.environ, **self.provider.environment, "BENCH_DB": place}
            ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        state = json.loads(ended.stdout)
        self.lost = count - (state["done"] - state["failed"])

    def _theirs(self) -> None:
        url = self.provider.environment["OPENAI_BASE_URL"]
        command = [sys.executable, f"{HERE}/limits_side.py", self.side, url, str(self.seconds), str(PROCESSES)]
        for process in [subprocess.Popen(command) for _ in range(PROCESSES)]:
            process.wait()

    def _worth(self, call: MeterCall) -> int:
        return call.input_tokens + call.output_tokens if self.case.counts_tokens else 1

    def _print(self) -> None:
        calls = self.provider.meter.calls
        begun = min(call.received_at for call in calls) / 1000
        good = sorted((c.recorded_at / 1000 - begun, self._worth(c)) for c in calls if c.outcome == "answered")
        answered = [at for at, _ in good]
        refused = [c.received_at / 1000 - begun for c in calls if c.outcome == "429"]
        end = min(self.seconds, answered[-1]) - TAIL_SECONDS
        starts = [at for at, _ in self.case.limits]
        stops = [*starts[1:], end]
        allowed = used = done = bad = 0.0
        again = []
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            rate = self.case.rates[number]
            steady = start + RAMP_SECONDS
            allowed += rate * (stop - steady)
            used += sum(worth for at, worth in good if steady <= at < stop)
            done += sum(steady <= at < stop for at in answered)
            bad += sum(steady <= at < stop for at in refused)
            if number:
                again.append(_found(answered, start, stop, rate))
        row = [self.case.name, self.side, f"{100 * used / allowed:.1f} %", f"{100 * bad / max(1, bad + done):.2f} %"]
        row += [", ".join(again) or "-", "-" if self.lost is None else str(self.lost)]
        print("| " + " | ".join(row) + " |", flush=True)


def _found(answered: list[float], start: float, stop: float, rate: float) -> str:
    """Seconds after `start` until five seconds in a row had 90 % of the rate."""
    at = start
    while at + 5 <= stop:
        if 0.9 * rate * 5 <= sum(at <= moment < at + 5 for moment in answered) <= 1.15 * rate * 5:
            return f"{at - start:.0f} s"
        at += 1
    return "not"


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--db", help="a Postgres URL; default: SQLite")
    options.add_argument("--seconds", type=float, default=75.0)
    options.add_argument("--sides", default="nightdrop,semaphore,bucket,naive")
    options.add_argument("--cases", default="", help="only those whose name has this")
    given = options.parse_args()
    print("| hidden limit | side | used | 429 | found again | lost |")
    print("|---|---|---|---|---|---|")
    lost = 0
    for case in cases():
        for side in given.sides.split(",") if given.cases in case.name else []:
            run = Run(case, side, given)
            run.run()
            lost += run.lost or 0
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
