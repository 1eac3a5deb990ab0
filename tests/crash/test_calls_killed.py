"""kill -9 around a model call: one result per document, no recorded call repeated, every cent of the provider's own
meter in the ledger, call by call."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.faults import POINTS
from nightdrop.testing import Fault, Latency, SimulatedProvider
from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene

APP = Path(__file__).parent / "paid_app.py"
PRICES = '["gpt-4o-mini"]\ninput = "1.00"\noutput = "10.00"\n'
AROUND_A_CALL = [p for p in POINTS if p.startswith(("call.", "answer.", "result."))]


class PaidScene(Scene):
    """A scene whose agent asks the simulated provider."""

    provider: SimulatedProvider
    retries = "3"
    model_timeout = "2"

    def start(self, fault: str | None = None, *extra: str | Path) -> Any:
        (self.root / "prices.toml").write_text(PRICES)
        env = {
            **self.provider.environment,
            "TEST_DB": self.place,
            "TEST_RETRIES": self.retries,
            "NIGHTDROP_PRICES": str(self.root / "prices.toml"),
            "NIGHTDROP_MODEL_TIMEOUT_SECONDS": self.model_timeout,
        }
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        return nightdrop("run", self.folder, "--agent", f"{APP}:agent", "--concurrency", "16", *extra, env=env)

    def assert_every_call_explained(self) -> None:
        """The ledger covers the meter, call by call: a billed call is closed with its tokens, or open."""
        self.provider.wait_idle()
        ledger = {
            row[0]: row[1:]
            for row in self.query(
                "SELECT call_id, closed_at, outcome, input_tokens, output_tokens, cost_pico FROM nightdrop_model_calls"
            )
        }
        billed = [call for call in self.provider.meter.calls if call.billed]
        assert len({call.call_id for call in billed}) == len(billed), "one ledger row for each request"
        for call in billed:
            assert call.call_id in ledger, f"the provider billed a call that the ledger does not know: {call}"
            closed_at, outcome, inp, out, pico = ledger[call.call_id]
            if outcome == "answered":
                assert (inp, out) == (call.input_tokens, call.output_tokens)
                assert pico == inp * 1_000_000 + out * 10_000_000
            else:
                assert closed_at is None, f"a billed call was closed as free: {ledger[call.call_id]}"

    def assert_no_call_repeated(self) -> None:
        """No document has two recorded answers."""
        counted = self.query(
            "SELECT count(*) FROM nightdrop_model_calls WHERE outcome = 'answered' GROUP BY run_id, attempt"
        )
        assert set(counted) <= {(1,)}, "a recorded call was made again"

    def assert_done(self) -> None:
        """One COMPLETED run for each document."""
        assert self.query("SELECT status, count(*) FROM nightdrop_runs GROUP BY status") == [("COMPLETED", self.count)]


@pytest.fixture
def paid(tmp_path: Path, place: str, invoices: Any) -> Iterator[Any]:
    """Makes a paid scene of `count` documents with a fault plan."""
    started: list[SimulatedProvider] = []

    def make(count: int, **provider: Any) -> PaidScene:
        s = PaidScene(root=tmp_path, folder=invoices(count), count=count, place=place)
        object.__setattr__(s, "provider", SimulatedProvider(**provider).start())
        started.append(s.provider)
        return s

    yield make
    for provider in started:
        provider.stop()


@pytest.mark.parametrize("fault", [f"{p}:{n}" for p in AROUND_A_CALL for n in (1, 9)])
def test_killed_around_a_call(paid: Any, fault: str) -> None:
    s = paid(20, latency=0.05)
    code, _, err = finished(s.start(fault))
    assert code == -signal.SIGKILL, err
    s.assert_every_call_explained()
    code, _, err = finished(s.start())
    assert code == 0, err
    s.assert_done()
    s.assert_every_call_explained()
    s.assert_no_call_repeated()


def test_killed_while_requests_are_on_their_way(paid: Any) -> None:
    s = paid(20, latency=1.0)
    process = s.start()
    while not s.provider.in_flight:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    finished(process)
    code, _, err = finished(s.start())
    assert code == 0, err
    s.assert_done()
    s.assert_every_call_explained()
    s.assert_no_call_repeated()
    assert s.query("SELECT count(*) FROM nightdrop_model_calls WHERE closed_at IS NULL")[0][0] >= 1


@pytest.mark.parametrize(
    ("kind", "killed_at", "ends_as"),
    [
        ("500", "call.answered:4", None),
        ("529", "call.answered:4", None),
        ("429", "call.answered:4", None),
        ("reset", "call.answered:4", None),
        ("reset_after", "call.answered:4", None),
        ("timeout", "call.answered:4", None),
        ("truncated", "call.closed:4", "answer_truncated"),
        ("invalid", "call.closed:4", None),  # sent back with the error, then right
        ("refusal", "call.closed:4", "answer_refused"),
        ("slow_drip", "call.answered:4", None),
    ],
)
def test_every_fault_of_the_provider_with_a_kill_in_it(
    paid: Any, kind: str, killed_at: str, ends_as: str | None
) -> None:
    fault = Fault(kind=kind, calls=tuple(range(1, 9))) if kind == "invalid" else Fault(kind=kind, first=1)
    s = paid(8, latency=0.05, faults=[fault])
    code, _, err = finished(s.start(killed_at))
    assert code == -signal.SIGKILL, err
    code, _, err = finished(s.start())
    assert code == (0 if ends_as is None else 1), err
    ended = s.query("SELECT status, error_code FROM nightdrop_runs")
    assert len(ended) == 8
    # a document whose first call was on its way at the kill asks again, and the second answer is right
    assert set(ended) <= {("COMPLETED", None), ("ERROR", ends_as)}
    assert ends_as is None or ("ERROR", ends_as) in ended
    s.assert_every_call_explained()


def test_a_document_that_always_fails_costs_exactly_its_calls_over_kills(paid: Any) -> None:
    """Failures that were recorded count for the next process; a call that never left is not on the meter."""
    s = paid(1, faults=[Fault(kind="500")])
    for _ in range(2):  # each process makes one call and dies before the second leaves
        assert finished(s.start("call.opened:2"))[0] == -signal.SIGKILL
    code, _, err = finished(s.start())
    assert code == 1, err
    assert s.query("SELECT status, error_code, attempt FROM nightdrop_runs") == [("ERROR", "provider_unavailable", 1)]
    assert s.provider.meter.totals().outcomes == {"500": 1 + int(s.retries)}
    s.assert_every_call_explained()


def test_two_hundred_documents_killed_again_and_again(paid: Any) -> None:
    s = paid(200, latency=Latency.uniform(0.05, 0.3))
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = 0
    for _ in range(8):
        process = s.start()
        time.sleep(2.0 + chance.random() * 1.5)  # the moment of the kill, not a wait for something
        if process.poll() is not None:
            finished(process)
            break
        process.kill()
        finished(process)
        kills += 1
        s.assert_every_call_explained()
    code, _, err = finished(s.start())
    assert code == 0, f"seed {seed}: {err}"
    s.assert_done()
    s.assert_every_call_explained()
    s.assert_no_call_repeated()
    assert kills >= 1
