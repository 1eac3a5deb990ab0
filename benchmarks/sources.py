"""Documents taken from a server, beside a bare copy loop over the same fsspec file system:

    python benchmarks/sources.py [--count 10000] [--keys 10000,100000,1000000] [--kinds sftp,s3]

    copy       list, then one after the other: open, read, write to a local file
    copy x16   the same by 16 threads
    nightdrop  list, read, hash; bytes, document, run and place in the batch committed. Nothing is executed
    again      the same batch listed once more, with nothing new

SFTP is asyncssh's server and S3 is moto's, each a process of its own on loopback that shares the machine with the side
that is measured; each side is a new process. Calls are the requests that the client sent. Then the memory of going
through a simulated source that names ever more keys, all of them known. Run it from a checkout: the servers are those
of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SIDE = Path(__file__).with_name("sources_side.py")
SIDES = ("copy", "copy x16", "nightdrop", "again")
LONGEST_SECONDS = 3600


def run_side(folder: Path, *arguments: str) -> dict[str, Any]:
    """What a side printed in a process of its own."""
    command = [sys.executable, str(SIDE), *arguments]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    if out.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{out.stderr[-3000:]}")
    return dict(json.loads(out.stdout.splitlines()[-1]))


def fill(write: Callable[[str, bytes], None], count: int) -> None:
    """Distinct text documents of about 100 bytes."""

    def one(number: int) -> None:
        text = f"Invoice number: INV-{number:07}\nInvoice date: 2026-03-01\nTotal: {number}.00 EUR\n"
        write(f"{number:07}.txt", text.encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(count)))


def measure(kind: str, count: int) -> None:
    """Prints the figures of every side over one server."""
    from tests.sources.serve import PASSWORD
    from tests.sources.servers import SERVERS

    with tempfile.TemporaryDirectory() as folder, SERVERS[kind](Path(folder)) as drop:
        (Path(folder) / "sources.toml").write_text(drop.toml())
        os.environ["DROP_PASSWORD"] = PASSWORD
        fill(drop.write, count)
        figures = {side: run_side(Path(folder), side, drop.url) for side in SIDES}
    for side in SIDES:
        f = figures[side]
        if f["documents"] != count:
            raise SystemExit(f"{kind}, {side}: {f['documents']} of {count} documents")
        rate = count / f["seconds"]
        print(
            f"{kind:<5} {side:<10} {f['seconds']:>8.2f} {rate:>9,.0f} {f['cpu'] * 1000 / count:>11.2f} "
            f"{f['calls'] / count:>10.3f} {f['peak_mb']:>8.0f}"
        )
    for side in ("copy", "copy x16"):
        print(
            f"{kind}: nightdrop / {side}: {figures[side]['seconds'] / figures['nightdrop']['seconds']:.2f} of its rate"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kinds", default="sftp,s3")
    parser.add_argument("--keys", default="10000,100000,1000000")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    print(f"{'':<5} {'':<10} {'seconds':>8} {'docs/s':>9} {'CPU ms/doc':>11} {'calls/doc':>10} {'peak MB':>8}")
    for kind in filter(None, args.kinds.split(",")):
        measure(kind, args.count)
    print(f"\n{'known keys':>10} {'seconds':>8} {'keys/s':>9} {'peak MB':>8}")
    for keys in filter(None, args.keys.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            run_side(Path(folder), "known", keys)
            f = run_side(Path(folder), "keys", keys)
        print(f"{int(keys):>10,} {f['seconds']:>8.1f} {int(keys) / f['seconds']:>9,.0f} {f['peak_mb']:>8.0f}")


if __name__ == "__main__":
    main()
