"""Servers whose connections break off in the middle of a file or of a listing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.errors import FileUnreadable, SourceUnreadable
from nightdrop.intake.listing import list_source
from nightdrop.intake.sources import source_of
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.sources.cutting_proxy import CuttingProxy, cutting_proxy
from tests.sources.drop import Drop
from tests.sources.servers import SERVERS

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC

FOR_EVER = 1_000_000
LARGE = bytes(range(256)) * 4000


@pytest.fixture(params=["azure", "s3", "sftp", "webdav"])
def bad(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Drop, CuttingProxy]]:
    """A drop behind a proxy that can break connections off."""
    with SERVERS[request.param](tmp_path) as made:
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", f"{made.url} {made.options} {made.secret}")[0])
        with cutting_proxy(port) as proxy:
            there, here = f"127.0.0.1:{port}", f"127.0.0.1:{proxy.port}"
            made.url, made.table = made.url.replace(there, here), made.table.replace(there, here)
            made.options = {k: v.replace(there, here) for k, v in made.options.items()}
            made.secret = made.secret.replace(there, here)
            known = tmp_path / "known_hosts"
            if known.exists():
                known.write_text(known.read_text().replace(f":{port}", f":{proxy.port}"))
            (tmp_path / "sources.toml").write_text(made.toml())
            monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
            monkeypatch.setenv("DROP_PASSWORD", made.secret)
            yield made, proxy


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def test_a_file_that_breaks_off_is_read_again_and_whole(bad: tuple[Drop, CuttingProxy]) -> None:
    drop, proxy = bad
    drop.write("large.bin", LARGE)
    (found,) = list(list_source(drop.url))
    source = source_of(drop.url)
    assert source is not None
    proxy.cut_after, proxy.cuts = 100_000, 2
    assert source.read(found.url, 10_000_000, len(LARGE)) == LARGE
    assert proxy.made_cuts >= 1


def test_a_file_that_never_comes_whole_is_refused_and_tried_the_next_time(
    bad: tuple[Drop, CuttingProxy], agent: Agent
) -> None:
    drop, proxy = bad
    drop.write("small.txt", invoice_text(1).encode())
    drop.write("large.txt", (invoice_text(2) + "x" * 800_000).encode())
    proxy.cut_after, proxy.cuts = 100_000, FOR_EVER
    first = agent.batch(drop.url).wait(120)
    assert first.total == 2
    assert first.failed >= 1  # two, where both are on one connection
    proxy.cuts = 0
    second = agent.batch(drop.url).wait(60)
    assert (second.total, second.failed) == (2, 0)


def test_a_listing_that_breaks_off_is_an_error_and_never_a_short_list(bad: tuple[Drop, CuttingProxy]) -> None:
    drop, proxy = bad
    for number in range(300):
        drop.write(f"a-rather-long-name-so-that-the-listing-is-large-{number:04}.txt", b"x")
    proxy.cut_after, proxy.cuts = 20_000, FOR_EVER
    with pytest.raises(SourceUnreadable) as caught:
        list(list_source(drop.url))
    assert caught.value.retryable
    proxy.cuts = 0
    assert len(list(list_source(drop.url))) == 300


def test_a_server_that_is_gone_is_said(bad: tuple[Drop, CuttingProxy]) -> None:
    drop, proxy = bad
    proxy.cut_after, proxy.cuts = 0, FOR_EVER
    with pytest.raises(SourceUnreadable, match=re.escape(drop.url)):
        list(list_source(drop.url))
    source = source_of(drop.url)
    assert source is not None
    with pytest.raises(FileUnreadable):
        source.read(f"{drop.url}/a.txt", 1000, 3)
    assert source.put_away(f"{drop.url}/a.txt", "v", "delete", "run") is False
