"""Acceptance: a manifest of N tiny documents made durable, without executing them.

    python benchmarks/acceptance.py [--count 100000]

Prints documents per second at 1,000 and at N (each in a process of its own) and the peak memory of the accepting
process. A document is accepted when its bytes, its run and its place in the batch are committed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def make_documents(folder: Path, count: int) -> Path:
    """N distinct text documents of about 100 bytes, 1,000 a folder, and a manifest of their paths."""
    manifest = folder / f"manifest-{count}.txt"
    with manifest.open("w") as lines:
        for number in range(count):
            path = folder / f"{number // 1000:04}" / f"{number:07}.txt"
            if number % 1000 == 0:
                path.parent.mkdir(exist_ok=True)
            if not path.exists():
                path.write_text(f"Invoice number: INV-{number:07}\nInvoice date: 2026-03-01\nTotal: {number}.00 EUR\n")
            lines.write(f"{path}\n")
    return manifest


async def accept(manifest: Path, database: Path) -> float:
    """Seconds from the call to the last commit; nothing is executed."""
    from nightdrop import Agent, SqliteDb
    from nightdrop.batch import BatchCall, accept_batch, documents_of, listing_of, open_batch_for
    from nightdrop.engine import engine_for
    from nightdrop.schemas import Invoice

    db = SqliteDb(database)
    agent = Agent(model="local", output_schema=Invoice, db=db)
    engine = await engine_for(db, own_batches=True)  # adopts no batch: accepts only
    call = BatchCall(subject=agent.spec.subject, source=manifest, message="Read.", max_bytes=1 << 20)
    started = time.perf_counter()
    files = await documents_of(call)
    batch_id = await open_batch_for(engine, call)
    await accept_batch(engine, batch_id, call, listing_of(engine, call, files))
    return time.perf_counter() - started


def child(manifest: Path, database: Path) -> None:
    """One measured run in this process; prints its figures as JSON."""
    from nightdrop.portal import portal

    seconds = portal().call(accept(manifest, database))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def measure(folder: Path, count: int) -> dict[str, float]:
    """Documents/s and peak MB of accepting N documents in a fresh process."""
    manifest = make_documents(folder, count)
    command = [sys.executable, __file__, "--child", str(manifest), str(folder / f"accept-{count}.db")]
    figures: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"docs_per_s": count / figures["seconds"], "peak_mb": figures["peak_mb"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(Path(args.child[0]), Path(args.child[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), 1000)  # warms the file cache and the imports
        small = measure(Path(folder) / ".", 1000) if not (Path(folder) / "accept-1000.db").unlink() else {}
        large = measure(Path(folder), args.count)
    print(f"{'documents':>10} {'docs/s':>8} {'peak MB':>8}")
    for count, figures in ((1000, small), (args.count, large)):
        print(f"{count:>10,} {figures['docs_per_s']:>8,.0f} {figures['peak_mb']:>8.0f}")
    print(f"rate at {args.count:,} / rate at 1,000: {large['docs_per_s'] / small['docs_per_s']:.2f}")


if __name__ == "__main__":
    main()
