"""Strings that fit a JSON schema's format, pattern and length."""

from __future__ import annotations

import base64
import random
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.testing.extra import missing_extra

try:
    import rstr
except ModuleNotFoundError as error:  # pragma: no cover - the extra is installed where tests run
    raise missing_extra(error) from error

_WORDS = ("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper", "meadow", "pier")
_TRIES = 200
_START = datetime(2024, 1, 1, tzinfo=UTC)


class StringWriter:
    """Writes strings from one seeded source."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._formats: dict[str, Callable[[], str]] = {
            "date": lambda: self._day().isoformat(),
            "date-time": lambda: self._moment().isoformat().replace("+00:00", "Z"),
            "time": lambda: self._moment().time().isoformat() + "Z",
            "duration": lambda: f"P{self._random.randint(1, 28)}D",
            "email": lambda: f"{self._word()}@example.com",
            "hostname": lambda: f"{self._word()}.example.com",
            "uri": lambda: f"https://example.com/{self._word()}",
            "url": lambda: f"https://example.com/{self._word()}",
            "uuid": lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "ipv4": lambda: f"192.0.2.{self._random.randint(1, 254)}",
            "ipv6": lambda: f"2001:db8::{self._random.randint(1, 0xFFFF):x}",
            "byte": lambda: base64.b64encode(self._word().encode()).decode(),
            "base64": lambda: base64.b64encode(self._word().encode()).decode(),
            "decimal": self._amount,
        }

    def value(self, schema: dict[str, Any]) -> str:
        """A string for this schema; a format that is not known is ignored, as JSON schema asks."""
        low, high = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        pattern = schema.get("pattern")
        named = self._formats.get(schema.get("format", ""))
        if pattern is not None:
            return self._matching(pattern, low, high, named)
        if named is not None:
            return named()
        text = f"{self._word()} {self._word()}"
        while len(text) < low:
            text += f" {self._word()}"
        return text[:high].rstrip().ljust(low, "x")

    def _matching(self, pattern: str, low: int, high: int, named: Callable[[], str] | None) -> str:
        try:
            wanted = re.compile(pattern)
        except re.error as error:
            raise UsageError(f"the simulator does not understand the pattern {pattern!r}: {error}") from error
        invent = rstr.Rstr(self._random).xeger
        usual: list[Callable[[], str]] = [] if named is None else [named]
        usual += [self._amount, lambda: str(self._random.randint(1, 9)), lambda: self._day().isoformat(), self._word]
        tries: list[Callable[[], str]] = [lambda: str(invent(pattern))] * _TRIES
        for source in [*usual, *tries]:
            text = source()
            if low <= len(text) <= high and wanted.search(text):
                return text
        raise UsageError(f"the simulator cannot make up a text for the pattern {pattern!r}: put an answer in the table")

    def _word(self) -> str:
        return self._random.choice(_WORDS)

    def _amount(self) -> str:
        return f"{self._random.randint(100, 99_999) / 100:.2f}"

    def _moment(self) -> datetime:
        return _START + timedelta(seconds=self._random.randint(0, 63_072_000))

    def _day(self) -> date:
        return self._moment().date()
