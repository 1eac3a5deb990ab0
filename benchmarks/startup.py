"""How long `nightdrop --help` and `import nightdrop` take, as whole processes, beside a bare `python -c pass`.

python benchmarks/startup.py [--runs 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import nightdrop": [sys.executable, "-c", "import nightdrop"],
    "nightdrop --help": [str(Path(sys.executable).with_name("nightdrop")), "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(f"{'command':<20} {'median ms':>9} {'max ms':>7}")
    for name, command in COMMANDS.items():
        took = []
        for _ in range(runs + 1):  # the first fills the file cache
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took.append((time.perf_counter() - started) * 1000)
        print(f"{name:<20} {statistics.median(took[1:]):>9.0f} {max(took[1:]):>7.0f}")


if __name__ == "__main__":
    main()
