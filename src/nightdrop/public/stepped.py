"""An async generator that lives on the portal, stepped from elsewhere, one item at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeVar

from nightdrop.portal import portal

T = TypeVar("T")

END: Any = object()
"""What `step` gives when there is nothing more."""


def stepped(stream: AsyncGenerator[T]) -> Generator[T]:
    """The items for sync code; leaving the loop early closes the generator."""
    try:
        while (found := portal().call(step(stream))) is not END:
            yield found
    finally:
        portal().call(close(stream))


async def step(stream: AsyncGenerator[T]) -> T:
    """The next item, or END."""
    return await anext(stream, END)


async def close(stream: AsyncGenerator[T]) -> None:
    """End the generator before its end."""
    await stream.aclose()
