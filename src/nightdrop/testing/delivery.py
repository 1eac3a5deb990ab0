"""Puts an answer on the wire: whole, as server-sent events, or drop by drop."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from nightdrop.testing.http_server import Reply, chunk, head

_DROPS = 20


async def deliver(
    reply: Reply,
    data: dict[str, Any] | list[bytes],
    headers: dict[str, str],
    *,
    drip: float,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Send a JSON body (dict) or events (list). drip: seconds over which it trickles, in equal parts; 0: at once."""
    if isinstance(data, dict):
        content = json.dumps(data).encode()
        start = head(200, {"content-type": "application/json", **headers}, len(content))
        parts = list(_drops(content)) if drip else [content]
    else:
        named = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **headers}
        start = head(200, named, None)
        parts = [*map(chunk, data), chunk(b"")] if drip else [b"".join(map(chunk, [*data, b""]))]
    if not drip:
        reply.write(start + parts[0])
        return
    reply.write(start)
    for part in parts:
        await sleep(drip / len(parts))
        if reply.gone:
            return
        reply.write(part)


def _drops(content: bytes) -> Iterator[bytes]:
    size = max(1, -(-len(content) // _DROPS))
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]
