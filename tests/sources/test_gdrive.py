"""What is of Google Drive alone: names that repeat, documents without bytes, the trash; at an imitation of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop import Agent, File, SqliteDb, clock
from nightdrop.errors import FileMissing, FileUnreadable, SourceUnreadable, UsageError
from nightdrop.intake.listing import list_source
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import source_of
from nightdrop.records.source import Found, Source
from nightdrop.schemas import Invoice
from nightdrop.servers.drive_client import DriveClient, Item
from nightdrop.sinks.folder import put_in_folder
from tests.conftest import invoice_text
from tests.fundamentals.watching import watching
from tests.sources.drive import Files, Kept
from tests.sources.servers import drive_drop, google_drive

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC

GOOGLES = "application/vnd.google-apps."


@pytest.fixture
def refusals() -> list[tuple[int, str]]:
    return []


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: list[tuple[int, str]]) -> Iterator[Files]:
    with google_drive(refusals=refusals) as (files, address):
        drop = drive_drop(files, address)
        (tmp_path / "sources.toml").write_text(drop.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", drop.secret)
        yield files


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def listed(url: str = "gdrive://in") -> list[Found]:
    return [found for found in list_source(url) if isinstance(found, Found)]


def source() -> Source:
    found = source_of("gdrive://in")
    assert found is not None
    return found


def twins(drive: Files, name: str = "a.txt") -> tuple[Kept, Kept]:
    folder = drive.folder("in")
    return tuple(drive.add(Kept(name, folder, content=word)) for word in (b"one", b"other"))  # type: ignore[return-value]


def test_two_files_of_one_name_are_two_documents(drive: Files) -> None:
    _, second = twins(drive)
    urls = [one.url for one in listed()]
    assert urls == ["gdrive://in/a.txt", f"gdrive://in/a~{second.id}.txt"]
    assert [read_file(File(url=url), 1000) for url in urls] == [b"one", b"other"]


def test_each_of_two_files_of_one_name_is_put_away_once_its_result_is_there(drive: Files, agent: Agent) -> None:
    for number in (1, 2):
        drive.add(Kept("a.txt", drive.folder("in"), content=invoice_text(number).encode()))
    with watching(agent, "gdrive://in", once=True, after="move:done/") as told:
        assert len(told.files) == 2
    done = drive.inside(drive.folder("in/done"))
    assert {kept.content for kept in done} == {invoice_text(number).encode() for number in (1, 2)}
    assert len(drive.names("in")) == 2


def test_the_second_of_a_name_is_not_put_away_for_the_first(drive: Files) -> None:
    first, second = twins(drive)
    second.content = first.content
    one, _ = listed()
    first.trashed = True  # by somebody else: the plain name is the second's from now on
    assert source().put_away(one.url, one.version, "delete", "run") is True
    assert not second.trashed


def test_two_folders_of_one_name_are_both_listed(drive: Files) -> None:
    for word in (b"one", b"other"):
        folder = drive.add(Kept("sub", drive.folder("in"), "application/vnd.google-apps.folder"))
        drive.add(Kept("a.txt", folder.id, content=word))
    found = listed()
    assert [read_file(File(url=one.url), 1000) for one in found] == [b"one", b"other"]
    assert found[1].url == f"gdrive://in/sub~{folder.id}/a.txt"


def test_names_that_are_no_paths_are_found(drive: Files) -> None:
    for name in ("it's \\ 5/7.txt", "A.txt", "a.txt", "5"):
        drive.add(Kept(name, drive.folder("in"), content=name.encode()))
    read = {read_file(File(url=one.url), 1000) for one in listed()}
    assert read == {b"it's \\ 5/7.txt", b"A.txt", b"a.txt", b"5"}


def test_an_id_does_not_lead_out_of_its_folder(drive: Files) -> None:
    secret = drive.add(Kept("secret.txt", drive.folder("elsewhere"), content=b"secret"))
    drive.write("in/a.txt", b"a")
    with pytest.raises(FileMissing):
        read_file(File(url=f"gdrive://in/secret~{secret.id}.txt"), 1000)


def test_a_document_of_googles_own_kind_is_read_as_pdf_and_a_form_is_refused(drive: Files) -> None:
    for name, kind in (("letter", "document"), ("plan", "spreadsheet"), ("talk", "presentation"), ("vote", "form")):
        drive.add(Kept(name, drive.folder("in"), GOOGLES + kind))
    letter, plan, talk, vote = listed()
    assert read_file(File(url=letter.url), 1000) == b"letter as application/pdf"
    assert read_file(File(url=talk.url), 1000, talk.size) == b"talk as application/pdf"
    assert b"spreadsheetml.sheet" in read_file(File(url=plan.url), 1000)
    with pytest.raises(FileUnreadable, match=f"{GOOGLES}form"):
        read_file(File(url=vote.url), 1000)


def test_what_is_deleted_is_in_the_trash(drive: Files) -> None:
    kept = drive.write("in/a.txt", b"one")
    (one,) = listed()
    assert source().put_away(one.url, one.version, "delete", "run") is True
    assert kept.trashed
    assert kept.content == b"one"


def test_what_google_limits_is_tried_again_and_what_it_forbids_is_said(
    drive: Files, refusals: list[tuple[int, str]]
) -> None:
    drive.write("in/a.txt", b"one")
    (one,) = listed()
    refusals += [(403, "userRateLimitExceeded")]
    assert source().read(one.url, 1000, one.size) == b"one"
    refusals += [(403, "insufficientFilePermissions")]
    with pytest.raises(FileUnreadable, match="insufficientFilePermissions"):
        source().read(one.url, 1000, one.size)
    assert refusals == []
    refusals += [(503, "backendError")] * 9
    with pytest.raises(SourceUnreadable, match="503 backendError"):
        listed()


def test_a_result_replaces_the_bytes_of_its_file(drive: Files) -> None:
    def put(run: str) -> Kept:
        row = {"document": "d1", "run_id": run, "run_version": 1, "status": "COMPLETED", "content": {"n": run}}
        put_in_folder("gdrive://in/out/deep", [row])
        (kept,) = drive.inside(drive.folder("in/out/deep"))
        return kept

    assert put("1").id == put("2").id
    assert b'"2"' in put("2").content


def test_a_file_whose_folder_has_another_name_now_stays(drive: Files) -> None:
    kept = drive.write("in/sub/a.txt", b"one")
    (one,) = listed()
    assert read_file(File(url=one.url), 1000) == b"one"
    drive.by_id[kept.parent].name = "mine"
    assert source().put_away(one.url, one.version, "delete", "run") is True
    assert not kept.trashed


def test_where_folders_are_is_asked_once_while_files_are_read_and_again_later(
    drive: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    children = DriveClient.children

    def noted(client: DriveClient, folder: str, name: str | None = None) -> list[Item]:
        asked.append(name)
        return children(client, folder, name)

    monkeypatch.setattr(DriveClient, "children", noted)
    for number in range(3):
        drive.write(f"in/sub/{number}.txt", b"one")
    found = listed()
    asked.clear()
    for one in found:
        assert source().read(one.url, 1000, one.size) == b"one"
    assert asked == ["sub", "0.txt", "1.txt", "2.txt"]
    drive.by_id[drive.folder("in/sub")].name = "old"
    drive.write("in/sub/0.txt", b"new")
    later = clock.monotonic() + 31
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert source().read(found[0].url, 1000, found[0].size) == b"new"


def test_paths_begin_in_the_folder_that_is_named(drive: Files, tmp_path: Path) -> None:
    drive.write("shared/in/a.txt", b"one")
    settings = tmp_path / "sources.toml"
    settings.write_text(settings.read_text() + f'root_file_id = "{drive.folder("shared")}"\n')
    assert read_file(File(url=listed()[0].url), 1000) == b"one"


@pytest.mark.parametrize(
    "creds", ["{}", '{"type": "service_account", "private_key": "s3cret-word"}', "/none/s3cret", "{"]
)
def test_what_is_no_key_is_a_mistake_that_is_named(drive: Files, creds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROP_PASSWORD", creds)
    with pytest.raises(UsageError, match="no key of a service account") as caught:
        listed()
    assert "s3cret" not in str(caught.value)
