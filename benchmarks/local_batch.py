"""1,000 real PDFs with model="local", durable on SQLite, beside the same reader in a bare process pool.

    python benchmarks/local_batch.py [--count 1000]

Both read the same files with the same child processes; the difference is what durability costs. CPU counts this
process and its children. Each side runs in a process of its own.
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

TASK = "nightdrop.reading.task:read_document"


def make_documents(folder: Path, count: int) -> None:
    """Real PDFs: the readable samples of the demo, each copy made distinct by a trailing comment."""
    from nightdrop.demo.samples import all_samples

    pdfs = [s for s in all_samples() if s.error is None and s.duplicate_of is None and s.name.endswith(".pdf")]
    for number in range(count):
        sample = pdfs[number % len(pdfs)]
        (folder / f"{number:05}-{sample.name}").write_bytes(sample.content + b"\n%% copy %d\n" % number)


def bare(folder: Path) -> None:
    """The reader alone: every file through the pool, nothing stored."""
    from nightdrop.documents.pool import ReaderPool
    from nightdrop.schemas import Invoice

    params = {"mime_type": "application/pdf", "filename": "a.pdf", "schema": Invoice.model_json_schema()}
    with ReaderPool() as pool:
        for future in [pool.submit(TASK, path.read_bytes(), params) for path in sorted(folder.iterdir())]:
            Invoice.model_validate(future.result()["content"])


def durable(folder: Path) -> None:
    """The same through a durable batch."""
    from nightdrop import Agent, SqliteDb
    from nightdrop.schemas import Invoice

    db = SqliteDb(folder.parent / "bench.db")
    state = Agent(model="local", output_schema=Invoice, db=db).batch(folder, "Read.").wait()
    assert state.failed == 0, state
    db.close()


def measure(side: str, folder: Path, count: int) -> dict[str, float]:
    """One side in a fresh process."""
    out = subprocess.run([sys.executable, __file__, "--child", side, str(folder)], check=True, capture_output=True)
    figures = json.loads(out.stdout)
    return {
        "docs/s": count / figures["wall"],
        "CPU ms/doc": figures["cpu"] * 1000 / count,
        "peak MB": figures["peak_mb"],
    }


def child(side: str, folder: Path) -> None:
    started = time.perf_counter()
    {"bare": bare, "durable": durable}[side](folder)
    wall = time.perf_counter() - started
    import gc

    from nightdrop.engine import reader_pool

    reader_pool().close()
    gc.collect()
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": own.ru_maxrss / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]))
        return
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "documents"
        folder.mkdir()
        make_documents(folder, args.count)
        figures = {side: measure(side, folder, args.count) for side in ("bare", "durable")}
    print(f"{'':<8} {'docs/s':>8} {'CPU ms/doc':>11} {'peak MB':>8}")
    for side, f in figures.items():
        print(f"{side:<8} {f['docs/s']:>8.1f} {f['CPU ms/doc']:>11.1f} {f['peak MB']:>8.0f}")
    print(f"durable / bare: {figures['durable']['docs/s'] / figures['bare']['docs/s']:.2f} of its docs/s")


if __name__ == "__main__":
    main()
