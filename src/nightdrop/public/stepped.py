"""An async iterator stepped from sync code, one item at a time, on the portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Generic, TypeVar

from nightdrop.portal import portal

T = TypeVar("T")


class Stepped(Generic[T]):
    """Iterates an async generator; leaving early closes it."""

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        found = portal().call(self._step())
        if found is _END:
            raise StopIteration
        return found  # type: ignore[return-value]

    def close(self) -> None:
        """End it before its end."""
        portal().call(self._stream.aclose())  # type: ignore[attr-defined]

    async def _step(self) -> T | object:
        return await anext(self._stream, _END)


_END = object()
