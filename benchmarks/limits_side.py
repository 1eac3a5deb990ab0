"""What others do, for benchmarks/limits.py: `python limits_side.py semaphore|bucket|naive URL SECONDS PROCESSES`.

semaphore: 8 calls at a time in all. bucket: a fixed 20 calls a second in all. naive: 64 calls at a time in each. All
wait as long as a 429 says (half a second when it says nothing) and try again.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

CALLS_AT_A_TIME, CALLS_A_SECOND, NAIVE = 8, 20.0, 64


class Client:
    """One process's calls. pause: seconds between two of them, 0: none."""

    def __init__(self, url: str, until: float, pause: float) -> None:
        self.url, self.until, self.pause = url, until, pause
        self.next_at = time.monotonic()
        self.http = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60)

    async def work(self, name: str) -> None:
        """Documents one after another until the time is over."""
        number = 0
        while time.monotonic() < self.until:
            number += 1
            await self.document(f"{name}-{number}")

    async def document(self, text: str) -> None:
        """One document: called until it is answered."""
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Extract {text}"}]}
        while time.monotonic() < self.until:
            if self.pause:
                at = self.next_at = max(time.monotonic(), self.next_at + self.pause)
                await asyncio.sleep(max(0.0, at - time.monotonic()))
            answer = await self.http.post(self.url, json=body, headers={"authorization": "Bearer test"})
            if answer.status_code == 200:
                return
            await asyncio.sleep(float(answer.headers.get("retry-after", 0.5)))


async def main() -> None:
    """Everything of this process."""
    kind, url, seconds, processes = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    pause = processes / CALLS_A_SECOND if kind == "bucket" else 0.0
    workers = CALLS_AT_A_TIME // processes if kind == "semaphore" else NAIVE
    client = Client(f"{url}/chat/completions", time.monotonic() + seconds, pause)
    await asyncio.gather(*(client.work(f"{id(client)}-{n}") for n in range(workers)))


asyncio.run(main())
