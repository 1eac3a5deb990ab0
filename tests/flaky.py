"""A step that fails once, for workflows in tests."""

from __future__ import annotations

from nightdrop import StepInput


class Flaky:
    """Fails once."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, given: StepInput) -> int:
        self.calls += 1
        if self.calls == 1:
            raise ValueError("once")
        return self.calls
