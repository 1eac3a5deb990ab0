"""One side of benchmarks/sources.py in the working folder: `python sources_side.py SIDE URL|COUNT`, prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

AT_ONCE = 16
DATABASE = "drop.db"
KEYS = "keys://in/"  # the simulated source

Figures = dict[str, float]


class Watch:
    """The time from here on, and what clients send: SFTP requests and S3 operations."""

    def __init__(self, url: str) -> None:
        self._calls = 0
        if url.startswith("s3"):
            from aiobotocore.client import AioBaseClient

            self._count(AioBaseClient, "_make_api_call")
        elif url.startswith("sftp"):
            from asyncssh.sftp import SFTPClientHandler

            self._count(SFTPClientHandler, "_make_request")
        self._cpu, self._began = time.process_time(), time.perf_counter()

    def _count(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        async def counted(*given: Any, **options: Any) -> Any:
            self._calls += 1
            return await real(*given, **options)

        setattr(owner, name, counted)

    def figures(self, documents: int) -> Figures:
        """What has been needed for so many documents."""
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        return {"documents": documents, "seconds": seconds, "cpu": cpu, "calls": self._calls, "peak_mb": peak_mb()}


def copy(url: str, threads: int) -> Figures:
    """The bare loop: what one writes without nightdrop."""
    from nightdrop.servers.filesystem import place_of  # only to sign in

    watch = Watch(url)
    place = place_of(url)
    target = Path("copied")
    target.mkdir(exist_ok=True)
    paths = [info["name"] for info in place.fs.ls(place.path, detail=True)]

    def one(path: str) -> None:
        with place.fs.open(path, "rb") as stream:
            (target / path.rpartition("/")[2]).write_bytes(stream.read())

    if threads == 1:
        for path in paths:
            one(path)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, paths))
    return watch.figures(len(list(target.iterdir())))


async def take_in(source: str) -> Figures:
    """Accept what is new behind a URL, into the batch that is there."""
    from nightdrop import Agent, SqliteDb
    from nightdrop.batch import BatchCall, accept_batch, documents_of, listing_of, open_batch_for
    from nightdrop.engine import engine_for
    from nightdrop.schemas import Invoice
    from nightdrop.store.batches import last_position

    db = SqliteDb(DATABASE)
    agent = Agent(id="drop", model="local", output_schema=Invoice, db=db)
    engine = await engine_for(db, own_batches=True)  # adopts no batch: accepts only
    call = BatchCall(subject=agent.spec.subject, source=source, message="Read.", max_bytes=1 << 20)
    watch = Watch(source)
    files = iter_keys() if source.startswith(KEYS) else await documents_of(call)
    batch_id = await open_batch_for(engine, call)
    await accept_batch(engine, batch_id, call, listing_of(engine, call, files))
    with db.read() as connection:
        return watch.figures(last_position(connection, batch_id))


def iter_keys() -> Iterator[Any]:
    """As many keys as the argument says, as a bucket would name them."""
    from nightdrop.records.source import Found

    for number in range(int(sys.argv[2])):
        yield Found(url=f"{KEYS}2026/{number:08}.pdf", version=f"{number:032x}-100", size=100, modified_ms=0)


def make_known(count: int) -> None:
    """A batch that has taken in `count` keys before, all answered by one run."""
    from nightdrop import Agent, SqliteDb
    from nightdrop.batch import BatchCall, open_batch_for
    from nightdrop.engine import engine_for
    from nightdrop.portal import portal
    from nightdrop.schemas import Invoice

    db = SqliteDb(DATABASE)
    agent = Agent(id="drop", model="local", output_schema=Invoice, db=db)
    call = BatchCall(subject=agent.spec.subject, source=f"{KEYS}{count}", message="Read.", max_bytes=1 << 20)

    async def opened() -> str:
        return await open_batch_for(await engine_for(db, own_batches=True), call)

    batch_id = portal().call(opened())
    with db.write() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)"
            " INSERT INTO nightdrop_batch_items (batch_id, file, position, version, run_id, disposition)"
            " SELECT ?, printf('%s2026/%08d.pdf', ?, i), i + 1, printf('%032x-100', i), 'run', 'new' FROM n",
            (count, batch_id, KEYS),
        )


def warm() -> None:
    """Imports are not what is measured."""
    import s3fs  # noqa: F401
    import sshfs  # noqa: F401

    import nightdrop.engine
    import nightdrop.schemas  # noqa: F401


def peak_mb() -> float:
    """The most memory that this process had, its parent's left out."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    side, argument = sys.argv[1:3]
    if side == "known":
        make_known(int(argument))
        figures: Figures = {}
    elif side.startswith("copy"):
        warm()
        figures = copy(argument, AT_ONCE if side == "copy x16" else 1)
    else:
        from nightdrop.portal import portal

        warm()
        figures = portal().call(take_in(f"{KEYS}{argument}" if side == "keys" else argument))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
