"""How long the simulated model thinks: seconds drawn from a seeded distribution."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from nightdrop.errors import UsageError


class Latency:
    """A distribution of seconds; one `draw()` for each admitted call. The same seed gives the same sequence."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self.draw = draw

    @classmethod
    def fixed(cls, seconds: float) -> Latency:
        """Always `seconds`."""
        if seconds < 0:
            raise UsageError(f"latency cannot be negative: {seconds}")
        return cls(lambda: seconds)

    @classmethod
    def uniform(cls, low: float, high: float, *, seed: int = 0) -> Latency:
        """Evenly between `low` and `high` seconds."""
        if not 0 <= low <= high:
            raise UsageError(f"latency uniform:{low}:{high} needs 0 <= low <= high")
        source = random.Random(seed)
        return cls(lambda: source.uniform(low, high))

    @classmethod
    def lognormal(cls, median: float, sigma: float, *, seed: int = 0) -> Latency:
        """Half of the calls below `median` seconds, with the long tail that real models have (sigma 0.3 to 1)."""
        if median <= 0 or sigma < 0:
            raise UsageError(f"latency lognormal:{median}:{sigma} needs median > 0 and sigma >= 0")
        source = random.Random(seed)
        return cls(lambda: source.lognormvariate(math.log(median), sigma))

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> Latency:
        """`0.5`, `uniform:LOW:HIGH` or `lognormal:MEDIAN:SIGMA`, as the command line takes it."""
        name, *numbers = text.split(":")
        try:
            values = [float(number) for number in numbers]
            if name == "uniform" and len(values) == 2:
                return cls.uniform(values[0], values[1], seed=seed)
            if name == "lognormal" and len(values) == 2:
                return cls.lognormal(values[0], values[1], seed=seed)
            if not values:
                return cls.fixed(float(name))
        except ValueError:
            values = []
        raise UsageError(f"latency is SECONDS, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA, not {text!r}")
