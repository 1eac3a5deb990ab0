"""Documents in OneDrive, at a server that answers as Microsoft documents it; Microsoft itself is not asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgraphfs import MSGDriveFS

from nightdrop import Agent, File, SqliteDb
from nightdrop.errors import SourceNotFound, SourceUnreadable
from nightdrop.intake.listing import list_source
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import source_of
from nightdrop.records.source import Found
from nightdrop.schemas import Invoice
from nightdrop.servers.filesystem import forget
from tests.conftest import invoice_text
from tests.sources.graph import Drive

pytestmark = pytest.mark.filterwarnings("ignore")  # the client leaves its connections to the garbage collector
SECRET = "s3cret-word"


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Drive]]:
    made = type("Made", (Drive,), {"files": {}, "failures": [], "secret": SECRET})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    (tmp_path / "sources.toml").write_text(
        f'''["onedrive://in"]
drive_id = "d"
[ "onedrive://in".oauth2_client_params ]
client_id = "app"
client_secret = "env:ONEDRIVE_SECRET"
token_endpoint = "{address}/token"
grant_type = "client_credentials"
'''
    )
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("ONEDRIVE_SECRET", SECRET)
    forget("onedrive://in/")
    init = MSGDriveFS.__init__

    def here(fs: Any, *given: Any, **options: Any) -> None:
        init(fs, *given, **options)
        fs.drive_url = f"{address}/v1.0/drives/d"  # the client knows only Microsoft's address

    monkeypatch.setattr(MSGDriveFS, "__init__", here)
    yield made
    forget("onedrive://in/")
    server.shutdown()
    server.server_close()
    thread.join()


def listed(url: str) -> list[Found]:
    return [found for found in list_source(url) if isinstance(found, Found)]


def test_a_folder_a_glob_and_one_file(drive: type[Drive]) -> None:
    for name in ("b.txt", "a.pdf", "sub/c.txt", ".hidden", "x.pdf.part"):
        drive.files[f"/in/{name}"] = name.encode()
    assert [one.url for one in listed("onedrive://in/")] == [
        "onedrive://in/a.pdf",
        "onedrive://in/b.txt",
        "onedrive://in/sub/c.txt",
    ]
    (one,) = listed("onedrive://in/*.txt")
    assert (one.size, one.modified_ms) == (5, 1_793_520_000_000)
    assert listed(one.url)[0].version == one.version
    assert read_file(File(url=one.url), 1000) == b"b.txt"
    with pytest.raises(SourceNotFound):
        list_source("onedrive://in/none.txt")


def test_what_it_throttles_is_an_error_and_then_read(drive: type[Drive]) -> None:
    drive.files["/in/a.txt"] = b"a"
    drive.failures.extend([503] * 10)
    with pytest.raises(SourceUnreadable):
        listed("onedrive://in/")
    drive.failures.clear()
    assert len(listed("onedrive://in/")) == 1


def test_a_batch_is_one_result_each_and_a_file_is_deleted_only_as_it_was(drive: type[Drive], tmp_path: Path) -> None:
    for number in range(5):
        drive.files[f"/in/{number}.txt"] = invoice_text(number).encode()
    db = SqliteDb(tmp_path / "nightdrop.db")
    batch = Agent(id="remote", model="local", output_schema=Invoice, db=db).batch("onedrive://in/")
    assert (batch.wait(60).total, batch.wait(60).failed) == (5, 0)
    db.close()
    for path in tmp_path.glob("nightdrop.db*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    source = source_of("onedrive://in/")
    assert source is not None
    one = listed("onedrive://in/")[0]
    assert source.put_away(one.url, "another", "delete", "run") is True
    assert len(drive.files) == 5
    assert source.put_away(one.url, one.version, "delete", "run") is True
    assert set(drive.files) == {f"/in/{number}.txt" for number in range(1, 5)}
