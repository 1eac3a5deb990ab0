"""What is of Azure alone: folders page by page, stubs of folders, missing containers, copies that take long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobClient

from nightdrop import File
from nightdrop.errors import FileMissing, SourceNotFound, SourceUnreadable, UsageError
from nightdrop.intake.listing import list_source
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import source_of
from nightdrop.records.source import Found
from nightdrop.servers import azure, pages
from nightdrop.servers.azure import account, children
from tests.sources.drop import Drop
from tests.sources.servers import SERVERS

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture(params=[kind for kind in SERVERS if kind.startswith("azur")])
def drop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    with SERVERS[request.param](tmp_path) as made:
        (tmp_path / "sources.toml").write_text(made.toml() + made.toml().replace("abfs://drop", "abfs://none"))
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", made.secret)
        yield made


def listed(url: str) -> list[Found]:
    return [found for found in list_source(url) if isinstance(found, Found)]


def test_a_folder_is_listed_as_its_pages_come(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_PAGE", 3)
    taken: list[str] = []

    async def noted(fs: Any, folder: str) -> Any:
        async for info in children(fs, folder):
            taken.append(info["name"])
            yield info

    monkeypatch.setattr(azure, "children", noted)
    for number in range(7):
        drop.write(f"{number}.txt", b"x")
    found = iter(list_source(drop.url))
    next(found)
    assert len(taken) == 3
    assert len(list(found)) == 6


def test_a_folder_of_several_pages_is_listed_whole(drop: Drop) -> None:
    for number in range(250):
        drop.write(f"{number:03}.txt", b"x")
    found = [one.url.rpartition("/")[2] for one in listed(drop.url)]
    assert found == [f"{number:03}.txt" for number in range(250)]


def test_an_empty_blob_that_stands_for_a_folder_is_no_document(drop: Drop) -> None:
    drop.write("sub/a.txt", b"a")
    with BlobServiceClient.from_connection_string(drop.secret) as client:
        for name, metadata in (
            ("in/sub", {"hdi_isfolder": "true"}),
            ("in/sub/", {}),
            ("in/bare", {"is_directory": "true"}),
        ):
            client.get_blob_client("drop", name).upload_blob(b"", metadata=metadata)
    assert [one.url for one in listed(drop.url)] == [f"{drop.url}/sub/a.txt"]


def test_a_container_that_is_not_there(drop: Drop) -> None:
    for url in ("abfs://none/in", "abfs://none/in/*.txt", "abfs://none"):
        with pytest.raises(SourceNotFound):
            listed(url)
    with pytest.raises(FileMissing):
        read_file(File(url="abfs://none/in/a.txt"), 1000)


def test_az_and_abfss_are_the_same_container(drop: Drop, tmp_path: Path) -> None:
    drop.write("a.txt", b"one")
    for scheme in ("az", "abfss"):
        (tmp_path / "sources.toml").write_text(drop.toml().replace("abfs://", f"{scheme}://"))
        (one,) = listed(f"{scheme}://drop/in")
        assert one.url == f"{scheme}://drop/in/a.txt"
        assert read_file(File(url=one.url), 1000) == b"one"


def test_a_copy_is_waited_for_before_the_original_is_deleted(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.write("a.txt", b"one")
    (one,) = listed(drop.url)
    source = source_of(drop.url)
    assert source is not None
    properties = BlobClient.get_blob_properties

    async def failed(*given: Any, **options: Any) -> Any:
        found = await properties(*given, **options)
        if found.copy.id is not None:
            found.copy.status = "failed"
        return found

    with monkeypatch.context() as broken:
        broken.setattr(BlobClient, "get_blob_properties", failed)
        assert source.put_away(one.url, one.version, f"move:{drop.url}/done", "run") is False
    assert read_file(File(url=one.url), 1000) == b"one"
    assert source.put_away(one.url, one.version, f"move:{drop.url}/done2", "run") is True
    assert "a.txt" not in drop.names()
    assert read_file(File(url=f"{drop.url}/done2/a.txt"), 1000) == b"one"


def test_a_server_that_is_gone_is_said_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SERVERS["azure"](tmp_path) as made:
        (tmp_path / "sources.toml").write_text(made.toml())
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("DROP_PASSWORD", made.secret)
    began = time.monotonic()
    with pytest.raises(SourceUnreadable) as caught:
        listed(made.url)
    assert time.monotonic() - began < 15
    assert made.word not in str(caught.value)


def test_no_account_is_a_mistake_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="account_name"):
        listed("abfs://drop/in")


@pytest.mark.parametrize(
    ("netloc", "options"),
    [
        ("in", {}),
        ("in@acme", {"account_name": "acme"}),
        ("in@acme.dfs.core.windows.net", {"account_name": "acme", "account_host": "acme.blob.core.windows.net"}),
        (
            "in@acme.dfs.core.chinacloudapi.cn",
            {"account_name": "acme", "account_host": "acme.blob.core.chinacloudapi.cn"},
        ),
    ],
)
def test_the_account_stands_in_the_url(netloc: str, options: dict[str, str]) -> None:
    assert account(netloc) == options
