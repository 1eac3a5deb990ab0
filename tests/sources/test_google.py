"""Documents in Google Cloud Storage, at an emulator of it: one server for all of these, a folder for each test."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop import Agent, File, SqliteDb
from nightdrop.errors import SourceNotFound
from nightdrop.intake.listing import list_source
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import source_of
from nightdrop.records.source import Found
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.sources.drop import Drop
from tests.sources.serve import PASSWORD
from tests.sources.servers import running

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("google", tmp_path_factory.mktemp("google")) as server:
        yield f"http://127.0.0.1:{server['port']}"


@pytest.fixture
def bucket(address: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drop:
    folder = request.node.name
    name = urllib.parse.quote

    def write(path: str, content: bytes) -> None:
        query = f"uploadType=media&name={name(f'{folder}/{path}', safe='')}"
        urllib.request.urlopen(f"{address}/upload/storage/v1/b/drop/o?{query}", data=content).close()

    def names() -> set[str]:
        with urllib.request.urlopen(f"{address}/storage/v1/b/drop/o?prefix={name(folder)}/") as answer:
            return {item["name"].removeprefix(f"{folder}/") for item in json.load(answer).get("items", [])}

    options = {"token": "anon", "endpoint_url": address, "project": "env:DROP_PASSWORD"}
    made = Drop(url=f"gs://drop/{folder}", table="gs://drop", options=options, write=write, names=names)
    (tmp_path / "sources.toml").write_text(made.toml())
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
    return made


def listed(url: str) -> list[Found]:
    return [found for found in list_source(url) if isinstance(found, Found)]


def test_a_folder_a_glob_and_one_object(bucket: Drop) -> None:
    for name in ("b.txt", "a.pdf", "sub/c.txt", ".hidden", "x.pdf.part"):
        bucket.write(name, name.encode())
    assert [one.url.removeprefix(f"{bucket.url}/") for one in listed(bucket.url)] == ["a.pdf", "b.txt", "sub/c.txt"]
    (one,) = listed(f"{bucket.url}/*.txt")
    assert one.size == 5
    assert one.modified_ms is not None
    assert listed(one.url)[0].version == one.version
    assert read_file(File(url=one.url), 1000) == b"b.txt"
    bucket.write("b.txt", b"B.txt")
    assert listed(one.url)[0].version != one.version
    with pytest.raises(SourceNotFound):
        list_source(f"{bucket.url}/none.txt")


def test_an_object_is_moved_and_deleted_only_as_it_was(bucket: Drop) -> None:
    bucket.write("a.txt", b"one")
    (one,) = listed(bucket.url)
    source = source_of(bucket.url)
    assert source is not None
    assert source.put_away(one.url, "another", "delete", "run") is True
    assert bucket.names() == {"a.txt"}
    assert source.put_away(one.url, one.version, f"move:{bucket.url}/done", "run") is True
    assert bucket.names() == {"done/a.txt"}
    (moved,) = listed(bucket.url)
    assert source.put_away(moved.url, moved.version, "delete", "run") is True
    assert bucket.names() == set()


def test_a_batch_is_one_result_each_and_holds_no_credentials(bucket: Drop, tmp_path: Path) -> None:
    for number in range(3):
        bucket.write(f"{number}.txt", invoice_text(number).encode())
    db = SqliteDb(tmp_path / "nightdrop.db")
    batch = Agent(id="remote", model="local", output_schema=Invoice, db=db).batch(bucket.url)
    assert (batch.wait(60).total, batch.wait(60).failed) == (3, 0)
    assert {run.input.files[0].source for run in batch.results()} == {f"{bucket.url}/{n}.txt" for n in range(3)}
    db.close()
    for path in tmp_path.glob("nightdrop.db*"):
        assert path.is_dir() or PASSWORD.encode() not in path.read_bytes()
