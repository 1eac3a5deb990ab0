"""A folder on a real server as a sink: whole files, one for each document, the later result."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from nightdrop.servers.filesystem import Place
from nightdrop.sinks import folder
from nightdrop.sinks.folder import put_in_folder
from tests.sources.drop import Drop

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


def row(run: str, version: int = 1, document: str = "d1") -> dict[str, Any]:
    return {"document": document, "run_id": run, "run_version": version, "status": "COMPLETED", "content": {"n": run}}


def test_one_file_for_each_document_and_the_later_result(drop: Drop) -> None:
    url = f"{drop.url}/out/deep"
    put_in_folder(url, [row("1"), row("1", document="d2")])
    put_in_folder(url, [row("1")])  # again, as after a kill
    assert {name for name in drop.names() if not name.endswith(".part")} == {"out/deep/d1.json", "out/deep/d2.json"}
    assert read(url, "d1")["version"] == 1
    put_in_folder(url, [row("2")])
    put_in_folder(url, [row("1", version=9)])  # late: it changes nothing
    assert (read(url, "d1")["run_id"], read(url, "d1")["version"]) == ("2", 2)
    assert len(drop.names()) == 2


def test_an_amendment_never_takes_the_file_away(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{drop.url}/out"
    put_in_folder(url, [row("1")])
    asked: list[str] = []
    ask = Place.ask

    def noted(place: Place, what: str, *given: Any, **options: Any) -> Any:
        asked.append(what)
        return ask(place, what, *given, **options)

    monkeypatch.setattr(Place, "ask", noted)
    put_in_folder(url, [row("2")])
    assert "rm_file" not in asked
    assert read(url, "d1")["version"] == 2


def test_what_a_killed_process_left_goes_with_the_next_try(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    if drop.url.startswith(("s3", "abfs", "gdrive")):
        pytest.skip("it takes a file whole: there is no temporary one")
    url = f"{drop.url}/out"
    with monkeypatch.context() as cut:
        cut.setattr(folder, "reach", lambda _: sys.exit())  # not an Exception: as little runs after it as after a kill
        with pytest.raises(SystemExit):
            put_in_folder(url, [row("1")])
    assert len(drop.names()) == 1
    put_in_folder(url, [row("2")])  # a later one comes first
    put_in_folder(url, [row("1")])
    assert drop.names() == {"out/d1.json"}
    assert (read(url, "d1")["run_id"], read(url, "d1")["version"]) == ("2", 1)


def test_files_of_another_ending(drop: Drop) -> None:
    url = f"{drop.url}/out/*.jsonl"
    put_in_folder(url, [row("1"), row("1", document="d2")])
    put_in_folder(url, [row("2")])
    assert {name for name in drop.names() if not name.endswith(".part")} == {"out/d1.jsonl", "out/d2.jsonl"}
    assert read(f"{drop.url}/out", "d1", "jsonl")["version"] == 2


def read(url: str, document: str, ending: str = "json") -> dict[str, Any]:
    from nightdrop import File
    from nightdrop.intake.read import read_file

    return dict(json.loads(read_file(File(url=f"{url}/{document}.{ending}"), 100_000)))
