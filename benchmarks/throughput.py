"""1,000 PDFs of 200 KB through a model of 0.5 s latency, side by side in one run:

    python benchmarks/throughput.py [--count 1000] [--concurrency 64 256] [--agno /path/to/venv/bin/python]

    raw         asyncio.gather over bare HTTP: the limit of this machine; nothing validated, nothing stored
    nightdrop   agent.arun under a semaphore, SQLite, durable: the plain pattern of the field
    batch       nightdrop's own batch over a folder, SQLite, durable
    workers     the same batch by `nightdrop run --processes 2`, each with half of the concurrency; docs/s from the
                first document's start to the last one's end, memory of the largest of its three processes
    agno        Agno 3.1.10 with its SqliteDb, the plain pattern, in a virtual environment of its own:
                python -m venv ve && ve/bin/pip install agno==3.1.10 openai sqlalchemy greenlet

Each side runs in a process of its own against one simulated provider in another. Imports are not timed. CPU is the
side's own process and its children, peak memory its own process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def start_provider(latency: float) -> tuple[subprocess.Popen[str], str]:
    """The simulated provider as a process: (process, base URL)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nightdrop.testing.provider", "--port", "0", "--latency", str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def make_documents(folder: Path, count: int, size: int) -> None:
    """Distinct real PDFs of `size` bytes: one page of text and a stream of noise that no one reads."""
    import random

    from nightdrop.demo.samples import all_samples

    base = next(s.content for s in all_samples() if s.name == "INV-20418.pdf")
    noise = random.Random(7)
    for number in range(count):
        filler = noise.randbytes(max(0, size - len(base) - 40)).replace(b"\n", b" ").replace(b"\r", b" ")
        (folder / f"{number:05}.pdf").write_bytes(base + b"\n%" + filler + b"\n%% %d\n" % number)


def measure(side: str, python: str, url: str, folder: Path, concurrency: int) -> dict[str, float]:
    """One side in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        out = subprocess.run(
            [python, str(HERE / "throughput_side.py"), side, str(folder), str(concurrency), scratch],
            env={**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "simulated", "AGNO_TELEMETRY": "false"},
            capture_output=True,
            text=True,
        )
    if out.returncode != 0:
        raise SystemExit(f"{side} failed:\n{out.stderr[-3000:]}")
    return dict(json.loads(out.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=200_000, help="bytes of a document")
    parser.add_argument("--latency", type=float, default=0.5, help="seconds")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=1, help="medians over so many rounds")
    parser.add_argument("--agno", help="the python of a virtual environment with agno==3.1.10")
    args = parser.parse_args()
    sides = ["raw", "nightdrop", "batch", "workers", *(["agno"] if args.agno else [])]
    provider, url = start_provider(args.latency)
    try:
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root)
            make_documents(folder, args.count, args.size)
            print(f"{'':<10} {'at once':>7} {'docs/s':>7} {'CPU ms/doc':>10} {'p99 s':>6} {'peak MB':>8} {'failed':>6}")
            for concurrency in args.concurrency:
                for side in sides:
                    python = args.agno if side == "agno" else sys.executable
                    rounds = [measure(side, python, url, folder, concurrency) for _ in range(args.rounds)]
                    f = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
                    print(
                        f"{side:<10} {concurrency:>7} {f['docs_per_s']:>7.1f} {f['cpu_ms']:>10.2f} {f['p99']:>6.2f} "
                        f"{f['peak_mb']:>8.0f} {f['failed']:>6.0f}",
                        flush=True,
                    )
    finally:
        provider.terminate()
        provider.wait()


if __name__ == "__main__":
    main()
