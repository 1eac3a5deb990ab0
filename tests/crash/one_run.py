"""One run on one database, the provider that it asks, and processes that begin it, execute it, or are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop, python

EXECUTE = """
import importlib, sys, time
sys.path.insert(0, sys.argv[1])
agent = importlib.import_module(sys.argv[2]).agent
from nightdrop import File
from nightdrop.engine import engine_for
from nightdrop.portal import portal

if sys.argv[3] == "begin":
    run = agent.run("Read.", files=[File(content=sys.argv[4].encode(), filename="a.txt")])
    print(run.status)
else:
    portal().call(engine_for(agent.db))
    time.sleep(60)
"""


@dataclass(frozen=True)
class OneRun:
    """app: the file beside this one that has its `agent`. text: its document."""

    place: str
    provider: SimulatedProvider
    app: ClassVar[str]
    text: ClassVar[str]

    def environment(self, fault: str | None = None) -> dict[str, str]:
        named = {} if fault is None else {"NIGHTDROP_FAULT_POINT": fault}
        return {**os.environ, **self.provider.environment, "TEST_DB": self.place, **named}

    def execute(self, what: str, fault: str | None = None) -> subprocess.Popen[str]:
        """A process that begins the run, or only executes what is queued."""
        beside = Path(__file__).parent
        return python(EXECUTE, beside, self.app, what, self.text, env=self.environment(fault))

    def killed(self, process: subprocess.Popen[str]) -> None:
        code, _, err = finished(process)
        assert code == -signal.SIGKILL, err

    @contextmanager
    def worker(self) -> Iterator[None]:
        """`nightdrop worker`, stopped at the end."""
        app = Path(__file__).parent / f"{self.app}.py"
        process = nightdrop("worker", f"{app}:agent", "--processes", "1", env=self.environment())
        try:
            yield
        finally:
            process.terminate()
            finished(process)
