"""What a simulated call costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from nightdrop.errors import UsageError

_CENTS_PER_USD = Decimal(100)
_MILLION = Decimal(1_000_000)
CHARACTERS_PER_TOKEN = 4
"""Of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call; `cached_tokens` is the part of `input_tokens` that was read from the prompt cache,
    `cache_write_tokens` the part that was written to it at a surcharge."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens, and how tokens are counted.

    Four characters of text are one token; a file counts one token for each `bytes_per_token` bytes.
    `cached_share` (0 to 1) of every input is reported, and priced, as read from the prompt cache; with `prompt_cache`
    instead what began like an earlier request.
    """

    input: Decimal = Decimal("1.25")
    cached_input: Decimal = Decimal("0.125")
    cache_write: Decimal = Decimal("1.5625")
    output: Decimal = Decimal(10)
    cached_share: float = 0.0
    prompt_cache: bool = False
    bytes_per_token: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.cached_share <= 1:
            raise UsageError(f"cached_share is between 0 and 1, not {self.cached_share}")
        if self.bytes_per_token < 1:
            raise UsageError(f"bytes_per_token is at least 1, not {self.bytes_per_token}")

    def input_tokens(self, text_length: int, file_sizes: list[int]) -> int:
        """Tokens of a request with this many characters of text and files of these sizes in bytes."""
        return text_tokens(text_length) + sum(max(1, size // self.bytes_per_token) for size in file_sizes)

    def usage(self, input_tokens: int, output_tokens: int) -> Usage:
        """The usage of an answered call, with its cached part."""
        cached = int(input_tokens * self.cached_share)
        return Usage(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached)

    def cents(self, usage: Usage) -> Decimal:
        """The exact price in US cents (not rounded)."""
        fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
        cached = usage.cached_tokens * self.cached_input + usage.cache_write_tokens * self.cache_write
        dollars = fresh * self.input + cached + usage.output_tokens * self.output
        return dollars / _MILLION * _CENTS_PER_USD


def text_tokens(length: int) -> int:
    """Tokens of a text with this many characters: a quarter, at least one."""
    return max(1, length // CHARACTERS_PER_TOKEN)
