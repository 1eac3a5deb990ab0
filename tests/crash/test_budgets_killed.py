"""kill -9 between a call's reservation and its close: the budget holds over the processes that follow."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightdrop.testing import Latency, SimulatedProvider
from nightdrop.testing.meter import Meter
from nightdrop.testing.price import Price
from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene
from tests.crash.test_takeover import until

APP = Path(__file__).parent / "paid_app.py"
PRICES = '["gpt-4o-mini"]\ninput = "200.00"\noutput = "10.00"\n'
LIKE_IT = Price(input=Decimal(200), cached_input=Decimal(200), output=Decimal(10))
PICO = 10**12


class ThriftyScene(Scene):
    """A scene whose batch has a budget."""

    provider: SimulatedProvider

    def start(self, fault: str | None = None, *extra: str | Path) -> Any:
        (self.root / "prices.toml").write_text(PRICES)
        env = {
            **self.provider.environment,
            "TEST_DB": self.place,
            "NIGHTDROP_PRICES": str(self.root / "prices.toml"),
            "NIGHTDROP_MODEL_TIMEOUT_SECONDS": "2",
        }
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        return nightdrop("run", self.folder, "--agent", f"{APP}:agent", *extra, env=env)

    def assert_within(self, dollars: str) -> None:
        """Neither the ledger (open calls as reserved) nor the meter is above the budget, and the ledger covers it."""
        self.provider.wait_idle()
        ((counted,),) = self.query("SELECT sum(coalesce(cost_pico, reserved_pico)) FROM nightdrop_model_calls")
        billed = self.provider.meter.totals().cents / 100 * PICO
        assert billed <= counted <= Decimal(dollars) * PICO
        missing = "SELECT count(*) FROM nightdrop_model_calls WHERE reserved_pico IS NULL"
        assert self.query(missing) == [(0,)], "no call without a reservation"


@pytest.fixture
def thrifty(tmp_path: Path, place: str, invoices: Any) -> Iterator[Any]:
    """Makes such a scene of `count` documents."""
    started: list[SimulatedProvider] = []

    def make(count: int, **provider: Any) -> ThriftyScene:
        s = ThriftyScene(root=tmp_path, folder=invoices(count), count=count, place=place)
        object.__setattr__(s, "provider", SimulatedProvider(meter=Meter(price=LIKE_IT), **provider).start())
        started.append(s.provider)
        return s

    yield make
    for provider in started:
        provider.stop()


@pytest.mark.parametrize("fault", ["call.opened:1", "call.opened:4", "call.answered:2", "call.closed:3"])
def test_a_call_left_open_keeps_its_reservation(thrifty: Any, fault: str) -> None:
    s = thrifty(20, latency=0.05)
    code, _, err = finished(s.start(fault, "--budget", "0.50"))
    assert code == -signal.SIGKILL, err
    s.assert_within("0.50")
    still_open = s.query("SELECT coalesce(sum(reserved_pico), 0) FROM nightdrop_model_calls WHERE closed_at IS NULL")
    code, _, err = finished(s.start(None, "--budget", "0.50"), timeout=170)
    assert code in (0, 1), err
    s.assert_within("0.50")
    after = s.query("SELECT coalesce(sum(reserved_pico), 0) FROM nightdrop_model_calls WHERE closed_at IS NULL")
    assert after == still_open, "possibly billed for ever: nothing closes it"


def test_killed_again_and_again_it_stays_within(thrifty: Any) -> None:
    s = thrifty(60, latency=Latency.uniform(0.05, 0.3))
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for _ in range(4):
        process = s.start(None, "--budget", "1.00", "--on-budget", "wait")
        until(lambda: s.query("SELECT 1 FROM nightdrop_model_calls"), 60, "calls are made")
        time.sleep(1.0 + 2 * chance.random())  # the moment of the kill, not a wait for something
        process.kill()
        finished(process)
        s.assert_within("1.00")
    code, _, err = finished(s.start(None, "--budget", "9.00"))
    assert code == 0, f"seed {seed}: {err}"
    s.assert_within("9.00")
    assert s.query("SELECT status, count(*) FROM nightdrop_runs GROUP BY status") == [("COMPLETED", 60)]
