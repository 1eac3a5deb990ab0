"""kill -9 in a workflow that classifies and exports: no call is paid twice, and the record is put once."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path

import pytest

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene
from tests.examples import EXAMPLES, answer_from, packet, right_answers


@pytest.mark.parametrize(
    ("point", "there"),
    [
        ("step.done:1", 0),  # Classify's agent has answered, the step is not recorded
        ("step.committed:1", 0),  # it is; the labels are not settled
        ("step.done:11", 1),  # Export has put the record, and that is not recorded
    ],
)
def test_killed_around_classify_and_export(tmp_path: Path, place: str, point: str, there: int) -> None:
    folder, out = tmp_path / "incoming", tmp_path / "claims"
    folder.mkdir()
    (folder / "packet.pdf").write_bytes(packet())
    command = ("run", folder, "--workflow", f"{EXAMPLES / 'packets.py'}:workflow", "--message", "Extract.", "--quiet")
    scene = Scene(root=tmp_path, folder=folder, count=1, place=place)
    with SimulatedProvider(answers=partial(answer_from, right_answers())) as provider:
        env = {
            **provider.environment,
            "NIGHTDROP_DB": place,
            "PACKETS_MODEL": "openai-chat:gpt-4o-mini",
            "PACKETS_TO": str(out),
        }
        code, _, err = finished(nightdrop(*command, env={**env, "NIGHTDROP_FAULT_POINT": point}))
        assert code == -signal.SIGKILL, err
        assert len(list(out.glob("*.json"))) == there
        code, _, err = finished(nightdrop(*command, env=env))
        assert code == 0, err
        provider.wait_idle()
        assert len([call for call in provider.meter.calls if call.billed]) == 4
    (put,) = out.iterdir()
    row = json.loads(put.read_text())
    assert (row["content"]["total"], row["version"]) == ("119.00", 1)
    assert scene.query("SELECT count(*), count(DISTINCT path) FROM nightdrop_steps") == [(13, 13)]
    assert scene.query("SELECT outcome, count(*) FROM nightdrop_model_calls GROUP BY outcome") == [("answered", 4)]
