"""The same file under one session, from several processes at once: one run, one model call."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, invoice_text, python, rows_at

_SUBMIT = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[1])
from paid_app import agent

async def main():
    again = [agent.arun("Read.", files=[sys.argv[2]], session_id="one") for _ in range(5)]
    runs = await asyncio.gather(*again)
    print({run.run_id for run in runs}, {str(run.status) for run in runs})
    assert {str(run.status) for run in runs} == {"COMPLETED"}, runs
    print(*{run.run_id for run in runs})

sys.stdin.readline()
asyncio.run(main())
"""


def test_four_processes_five_times_each_is_one_call(place: str, tmp_path: Path) -> None:
    document = tmp_path / "invoice.txt"
    document.write_text(invoice_text(1))
    with SimulatedProvider(latency=0.2) as provider:
        processes = [_start(document, place, provider) for _ in range(4)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [finished(process, 60) for process in processes]
        assert [code for code, _, _ in answers] == [0, 0, 0, 0], [err for _, _, err in answers]
        assert len({out.splitlines()[-1] for _, out, _ in answers}) == 1, "everyone has the same run"
        assert len(provider.meter.calls) == 1
    assert rows_at(place, "SELECT status, count(*) FROM nightdrop_runs GROUP BY status") == [("COMPLETED", 1)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_model_calls") == [(1,)]


def _start(document: Path, place: str, provider: Any) -> subprocess.Popen[str]:
    env = {**provider.environment, "TEST_DB": place}
    return python(_SUBMIT, Path(__file__).parent, document, env=env, stdin=subprocess.PIPE)
