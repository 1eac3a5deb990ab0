"""What is asked of a server for each document: as little as it allows, over connections that stay."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.ftp import FTPFileSystem

from nightdrop.batch.readers import Readers
from nightdrop.errors import UsageError
from nightdrop.intake.listing import list_source
from nightdrop.intake.sources import source_of
from nightdrop.intake.take import look_at
from nightdrop.records.source import Found
from nightdrop.servers.filesystem import place_of
from tests.conftest import invoice_text
from tests.sources.drop import Drop
from tests.sources.serve import PASSWORD
from tests.sources.servers import SERVERS

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts a drop of a kind for the length of a block."""

    @contextmanager
    def start(kind: str) -> Iterator[Drop]:
        with SERVERS[kind](tmp_path) as made:
            (tmp_path / "sources.toml").write_text(made.toml())
            monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
            monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
            yield made

    return start


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[str]:
    """Every call of a method from now on, which is carried out as ever."""
    made: list[str] = []
    real = getattr(owner, name)

    def call(self: Any, *given: Any, **options: Any) -> Any:
        made.append(str(given[0]) if given else "")
        return real(self, *given, **options)

    monkeypatch.setattr(owner, name, call)
    return made


def listed(url: str) -> list[Found]:
    return [found for found in list_source(url) if isinstance(found, Found)]


def test_an_object_of_known_size_is_one_request(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiobotocore.client import AioBaseClient

    with served("s3") as drop:
        drop.write("a.txt", b"one")
        (found,) = listed(drop.url)
        made = counted(monkeypatch, AioBaseClient, "_make_api_call")
        assert source_of(drop.url).read(found.url, 1000, found.size) == b"one"  # type: ignore[union-attr]
        assert made == ["GetObject"]


def test_a_small_file_is_opened_read_and_closed(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from asyncssh.sftp import SFTPClientHandler

    with served("sftp") as drop:
        drop.write("a.txt", b"one")
        drop.write("empty.txt", b"")
        found, empty = listed(drop.url)
        source = source_of(drop.url)
        assert source is not None
        source.read(found.url, 1000, found.size)  # whatever connecting takes
        made = counted(monkeypatch, SFTPClientHandler, "_make_request")
        assert source.read(found.url, 1000, found.size) == b"one"
        assert len(made) == 3
        assert source.read(empty.url, 1000, empty.size) == b""
        drop.write("a.txt", b"one and more")  # since it was listed
        assert source.read(found.url, 1000, found.size) == b"one and more"


def test_an_archive_is_opened_once_while_it_is_as_it_was(served: Any) -> None:
    with served("sftp") as drop:
        drop.write("week.tar", packed("1.txt", "2.txt"))
        url = f"tar://*.txt::{drop.url}/week.tar"
        found = listed(url)
        source = source_of(url)
        assert source is not None
        assert [source.read(one.url, 1000, one.size) for one in found] == [b"1.txt", b"2.txt"]
        opened = place_of(found[0].url).fs
        assert place_of(found[1].url).fs is opened
        drop.write("week.tar", packed("1.txt", "2.txt", "3.txt" * 5000))
        assert place_of(found[1].url).fs is not opened
        assert len(listed(url)) == 3


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name[-5:])
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
    return out.getvalue()


def test_an_archive_behind_a_web_address_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"name https://host/week\.zip itself"):
        list_source("zip://*.pdf::https://host/week.zip")


def test_connections_stay_from_portion_to_portion(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with served("ftp") as drop:
        for number in range(8):
            drop.write(f"{number}.txt", invoice_text(number).encode())
        found = [look_at(one) for one in listed(drop.url)]
        made = counted(monkeypatch, FTPFileSystem, "_connect")
        readers = Readers(1000)
        for _ in range(3):
            assert all(taken.refused is None for taken in readers.take(found))
        readers.close()
        assert 1 <= len(made) <= 4
