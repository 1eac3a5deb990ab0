"""One bad document hurts only itself: a dead letter each, and the batch goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, RunOutput, RunStatus
from tests.conftest import invoice_text
from tests.fundamentals.bad_files import ODD_NAMES, bad_contents, bad_places, code_of, site
from tests.fundamentals.conftest import MESSAGE, document

LETTERS = "SELECT f.source, l.code, f.sha256 FROM letters l JOIN files f USING (run_id)"
WITHOUT_BYTES = ("file_empty", "file_too_large", "file_not_found", "file_unreadable")


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "1")


def test_a_folder_of_everything_that_goes_wrong(agent: Agent, tmp_path: Path, query: Any) -> None:
    """Each bad file is one ERROR run and one dead letter with its code; the good ones are read all the same.

    The letter has the document's hash, or null where no bytes could be read.
    """
    folder = tmp_path / "drop"
    folder.mkdir()
    for name, content in bad_contents().items():
        (folder / name).write_bytes(content)
    bad_places(folder)
    bad = {path.name for path in folder.iterdir()}
    for number, name in enumerate(ODD_NAMES.values()):
        (folder / name).write_text(invoice_text(number))
    (folder / "sub").mkdir()
    (folder / "sub" / "back").symlink_to(folder)  # a loop of folders
    (folder / "sub" / "deep.txt").write_text(invoice_text(50))
    batch = agent.batch(folder, MESSAGE)
    runs = list(batch.results())
    good = [run for run in runs if run.status is RunStatus.COMPLETED]
    failed = [run for run in runs if run.status is RunStatus.ERROR]
    assert sorted(run.content.invoice_number for run in good) == [
        *[f"INV-{n:05}" for n in range(len(ODD_NAMES))],
        "INV-00050",
    ]
    assert len(failed) == len(bad)
    assert {_name(run): _code(run) for run in failed} == {_shown(name): code_of(name) for name in bad}
    for run in failed:
        assert (run.input.hashes[0] is None) == (_code(run) in WITHOUT_BYTES), run
    letters = {Path(source).name: (code, sha) for source, code, sha in query(LETTERS)}
    assert letters == {_name(run): (_code(run), run.input.hashes[0]) for run in failed}
    progress = batch.progress()
    assert (progress.total, progress.done) == (len(bad) + len(good), len(bad) + len(good))
    assert progress.failed == len(bad)


def test_a_manifest_of_paths_that_cannot_be_read(agent: Agent, tmp_path: Path, query: Any) -> None:
    """A NUL, half a character, a missing file, a folder: a letter each; the one good line is read."""
    (tmp_path / "good.txt").write_text(invoice_text(1))
    (tmp_path / "folder").mkdir()
    manifest = tmp_path / "list.jsonl"
    entries = ["a\0b.txt", "\ud800.txt", "missing.txt", "folder", "good.txt", "http://[half/a", "http://x/\udcff"]
    manifest.write_text("".join(json.dumps({"path": entry}) + "\n" for entry in entries))
    runs = list(agent.batch(manifest, MESSAGE).results())
    assert sorted(_code(run) for run in runs if run.error) == sorted(["file_unreadable"] * 5 + ["file_not_found"])
    assert [run.content.invoice_number for run in runs if run.content] == ["INV-00001"]
    assert query("SELECT count(*) FROM letters l JOIN files f USING (run_id) WHERE f.sha256 IS NULL") == [(6,)]


def test_urls_in_a_list(agent: Agent, query: Any) -> None:
    """A URL that answers is a document; 404, 500 and nobody listening are letters without a hash."""
    with site() as web:
        urls = [f"{web}/good.txt", f"{web}/gone.txt", f"{web}/broken.txt", "http://127.0.0.1:9/x.txt"]
        runs = {run.input.files[0].source: run for run in agent.batch(urls, MESSAGE).results()}
    assert list(map(_code, (runs[url] for url in urls))) == [
        None,
        "file_not_found",
        "file_unreadable",
        "file_unreadable",
    ]
    assert query("SELECT count(*) FROM letters l JOIN files f USING (run_id) WHERE f.sha256 IS NULL") == [(3,)]


def test_a_folder_that_cannot_be_listed_is_a_letter(agent: Agent, tmp_path: Path) -> None:
    """A folder inside the source that vanishes or cannot be opened is seen, not skipped in silence."""
    (tmp_path / "good.txt").write_text(invoice_text(1))
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "loop").symlink_to(deep / "loop")
    runs = list(agent.batch(tmp_path, MESSAGE).results())
    assert sorted(str(_code(run)) for run in runs) == ["None", "file_unreadable"]


def test_the_same_bad_file_again_is_the_same_letter(agent: Agent, tmp_path: Path, query: Any) -> None:
    """A second batch over the same bad files adds no run and no letter."""
    for name, content in bad_contents().items():
        (tmp_path / name).write_bytes(content)
    first, second = ({run.run_id for run in agent.batch(tmp_path, MESSAGE).results()} for _ in range(2))
    assert first == second
    assert query("SELECT count(*), count(DISTINCT run_id) FROM letters") == [(len(first), len(first))]


def test_a_bad_file_that_was_repaired_is_read(agent: Agent, tmp_path: Path) -> None:
    """Once the file is whole, the next batch reads it; the old letter stays as history."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"")
    assert agent.batch(tmp_path, MESSAGE).wait().failed == 1
    path.write_text(invoice_text(3))
    (run,) = agent.batch(tmp_path, MESSAGE).results()
    assert run.content.invoice_number == "INV-00003"


def test_odd_names_for_bytes(agent: Agent) -> None:
    """Bytes with a name or id that is no clean text are stored and read like any other."""
    files = [
        File(content=document(n).content, filename=name, id=os.fsdecode(b"id-\xff") if n % 2 else None)
        for n, name in enumerate(["a\0b.txt", "\udcff.txt", "\ud83d.txt", ""])
    ]
    runs = list(agent.batch(files, MESSAGE).results())
    assert sorted(run.content.invoice_number for run in runs) == [f"INV-{n:05}" for n in range(4)]
    for run in runs:
        str(run.input.files[0]).encode()


def _code(run: RunOutput) -> str | None:
    return None if run.error is None else run.error.code


def _name(run: RunOutput) -> str:
    return Path(run.input.files[0].source or "").name


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
