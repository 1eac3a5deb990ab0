"""`nightdrop workflow`: what is found before anything runs, the drawings, and moving open runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from nightdrop import Condition, Loop, Parallel, Router, Step, StepInput, Steps, Workflow
from nightdrop.cli import cli
from nightdrop.errors import WorkflowInvalid
from nightdrop.workflows.inspect import inspect
from nightdrop.workflows.mermaid import mermaid
from nightdrop.workflows.svg import svg

APP = """
from nightdrop import Condition, Loop, Router, StepInput, Workflow

def one(given: StepInput) -> int:
    return 1

def two(given: StepInput) -> int:
    return 2

good = Workflow(id="good", steps=[one, two])
odd = Workflow(id="odd", steps=[one, Condition(True, [two], name="always"), Loop([one])])
"""


def one(given: StepInput) -> int:
    return 1


def bare(given: StepInput):  # type: ignore[no-untyped-def]
    return 2


def choose(given: StepInput) -> Literal["one", "else"]:
    return "one"


def everything() -> Workflow:
    return Workflow(
        id="everything",
        name='All "of" it',
        steps=[
            one,
            Parallel(Step("a", executor=one), Steps([Step("b", executor=one)], name="bs")),
            Condition(False, [Step("c", executor=one)], [Step("d", executor=one)], name="never"),
            Router(choose, [Step("one", executor=one), bare], name="route"),
            Loop([Step("e", executor=one)], max_iterations=4, name="round"),
        ],
    )


def test_what_is_found() -> None:
    found = [(f.path, f.kind, f.is_problem) for f in inspect(everything().spec)]
    assert found == [
        ("never", "never_reached", True),
        ("route/bare", "never_reached", True),
        ("route", "unknown_choice", True),
        ("route/bare", "no_return_type", False),
        ("round", "endless_loop", False),
        ("one", "duplicate_name", True),
        ("route/one", "duplicate_name", True),
    ]
    assert inspect(Workflow(id="w", steps=[one]).spec) == []


def test_the_flowchart_has_every_step_and_every_way() -> None:
    text = mermaid(everything().spec)
    assert text.startswith("flowchart TD\n")
    assert 'n1(["All #quot;of#quot; it"])' in text
    for name in ("a", "b", "c", "d", "bare", "e"):
        assert f'["{name} (function)"]' in text
    assert "-->|yes|" in text
    assert "-->|no|" in text
    assert "-->|bare|" in text
    assert "-->|again|" in text
    assert "round: at most 4 rounds" in text
    nodes = {
        line.split("[")[0].split("(")[0].split("{")[0].strip() for line in text.splitlines()[1:] if "-->" not in line
    }
    targets = {line.rsplit(" ", 1)[1] for line in text.splitlines() if "-->" in line}
    assert nodes - targets == {"n1"}, "everything but the start is reached"


def test_the_drawing_is_valid_and_nothing_lies_outside_of_it() -> None:
    root = ElementTree.fromstring(svg(everything().spec))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"one", "a", "b", "c", "d", "bare", "e", "never?", "round: at most 4 rounds"} <= set(words)

    def inside(element: Any, x: float, y: float) -> None:
        move = (element.get("transform") or "translate(0 0)").removeprefix("translate(").removesuffix(")").split()
        x, y = x + float(move[0]), y + float(move[1])
        if element.tag.endswith("rect"):
            assert 0 <= x <= x + float(element.get("width")) <= width
            assert 0 <= y <= y + float(element.get("height")) <= height
        for child in element:
            inside(child, x, y)

    inside(root, 0, 0)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "flows.py"
    path.write_text(APP)
    return path


def test_check_says_what_it_finds(app: Path) -> None:
    fine = CliRunner().invoke(cli, ["workflow", "check", f"{app}:good"])
    assert (fine.exit_code, fine.output) == (0, "good: nothing found\n")
    found = CliRunner().invoke(cli, ["workflow", "check", f"{app}:odd", "--json"])
    assert found.exit_code == 1
    items = json.loads(found.output)["items"]
    assert [(i["path"], i["kind"]) for i in items] == [
        ("loop", "endless_loop"),
        ("one", "duplicate_name"),
        ("loop/one", "duplicate_name"),
    ]
    assert CliRunner().invoke(cli, ["workflow", "check", f"{app}:one"]).exit_code == 2


def test_draw_writes_either_kind(app: Path, tmp_path: Path) -> None:
    drawn = CliRunner().invoke(cli, ["workflow", "draw", f"{app}:good"])
    assert drawn.output.startswith("flowchart TD\n")
    out = tmp_path / "good.svg"
    assert CliRunner().invoke(cli, ["workflow", "draw", f"{app}:good", "--out", str(out)]).exit_code == 0
    assert out.read_text().startswith("<svg ")


@pytest.mark.parametrize(("name", "why"), [("good.png", r"\.svg or \.mmd"), ("missing/good.svg", "cannot be written")])
def test_a_drawing_that_cannot_be_written_is_a_wrong_call(app: Path, tmp_path: Path, name: str, why: str) -> None:
    drawn = CliRunner().invoke(cli, ["workflow", "draw", f"{app}:good", "--out", str(tmp_path / name)])
    assert drawn.exit_code == 2
    assert re.search(why, drawn.output)


@pytest.mark.parametrize("rounds", [0, None, "3"])
def test_a_loop_without_a_last_round_is_refused(rounds: Any) -> None:
    with pytest.raises(WorkflowInvalid, match="max_iterations"):
        Loop([one], max_iterations=rounds)
