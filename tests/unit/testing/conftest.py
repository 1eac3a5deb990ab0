from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from provider_client import Client, ManualTime, Start

from nightdrop.testing import SimulatedProvider


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def start() -> Iterator[Start]:
    """start(**options): a running provider and a client for it; stopped when the test ends."""
    running: list[SimulatedProvider] = []

    def begin(**options: Any) -> Client:
        running.append(SimulatedProvider(**options).start())
        return Client(running[-1])

    yield begin
    for provider in running:
        provider.stop()
