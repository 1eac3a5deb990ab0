"""Every example of README and docs/ runs as printed; every shown exit code and output line is true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, Page, all_pages
from tests.docs.play_page import commands, first_missing

PLAYER = Path(__file__).parent / "play_page.py"
ELSEWHERE = {  # pages whose examples another test runs
    "docs/how-to/simulated-provider.md": "tests/unit/testing/test_how_to_page.py",
}
LANGUAGES = {"python", "console", "sh", "toml"}  # sh and toml are shown, never executed

Playing = dict[str, "Future[subprocess.CompletedProcess[str]]"]


def _executed(page: Page) -> list[Block]:
    return [b for b in page.blocks if b.language in ("python", "console") and not b.skipped]


PLAYED = {p.name: p for p in all_pages() if p.name not in ELSEWHERE and _executed(p)}


@pytest.fixture(scope="session")
def playing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    """The pages that this session tests, played two at a time: much of their time is waiting."""
    from nightdrop.demo.samples import write_samples

    samples = tmp_path_factory.mktemp("samples")
    write_samples(samples)
    wanted = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(_play, page, samples, tmp_path_factory.mktemp("page"))
            for name, page in PLAYED.items()
            if name in wanted
        }


def _play(page: Page, samples: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    shutil.copytree(samples, folder / "incoming")
    steps = [
        {"kind": "file" if b.title else b.language, "line": b.line, "text": b.text, "title": b.title}
        for b in _executed(page)
    ]
    plan = folder.with_name(folder.name + ".json")
    plan.write_text(json.dumps({"page": page.name, "steps": steps}), encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTDROP_")}
    env |= {
        "COLUMNS": "200",
        "NIGHTDROP_READER_PROCESSES": "1",  # starting children costs more than a dozen documents do
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")]),
    }
    return subprocess.run(
        [sys.executable, "-W", "error", str(PLAYER), str(plan)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", sorted(PLAYED, key=lambda n: -len(_executed(PLAYED[n]))))
def test_examples_of_a_page(name: str, playing: Playing) -> None:
    ended = playing[name].result()
    assert ended.returncode == 0, ended.stderr[-6000:]


def test_blocks_say_their_language() -> None:
    wrong = [
        f"{p.name}:{b.line - 1}"
        for p in all_pages()
        for b in p.blocks
        if b.language not in LANGUAGES and p.name not in ELSEWHERE
    ]
    assert not wrong, f"blocks that are none of {LANGUAGES}: {wrong}"


def test_pages_that_run_elsewhere_do() -> None:
    for name, test in ELSEWHERE.items():
        assert Path(name).name in (ROOT / test).read_text(encoding="utf-8")


def test_the_first_example_of_the_readme_is_short() -> None:
    first = next(b for b in _executed(PLAYED["README.md"]) if b.language == "python")
    assert len(first.text.splitlines()) <= 15


def test_a_console_block_is_read_as_a_person_reads_it() -> None:
    text = "$ nightdrop run x\n1 done\n...\n$ echo $?\n1\n$ ls\na  b\n"
    assert commands(text) == [(0, "nightdrop run x", 1, ["1 done", "..."]), (5, "ls", 0, ["a  b"])]
    assert first_missing(["A ... C", "...", "e  f"], "x\nA  b C\nd\ne f\n") is None
    assert first_missing(["e f", "A ... C"], "A b C\ne f\n") == "A ... C"
