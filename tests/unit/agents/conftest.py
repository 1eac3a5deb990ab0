"""A simulated provider that the environment points at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nightdrop.testing import SimulatedProvider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts a simulated provider and points the environment at it."""
    started: list[SimulatedProvider] = []

    def start(**options: Any) -> SimulatedProvider:
        made = SimulatedProvider(**options).start()
        started.append(made)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        return made

    yield start
    for made in started:
        made.stop()
