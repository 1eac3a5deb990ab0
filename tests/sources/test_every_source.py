"""One suite over every remote source: listing, reading, versions, putting away, and what is said when it fails."""

from __future__ import annotations

import pytest

from nightdrop import File
from nightdrop.errors import FileMissing, FileTooLarge, SourceNotFound, SourceUnreadable, UsageError
from nightdrop.intake.listing import list_source
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import source_of
from nightdrop.records.source import Found, Source
from tests.sources.drop import Drop, hidden
from tests.sources.serve import PASSWORD

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


def listed(url: str) -> list[Found]:
    found = list(list_source(url))
    assert all(isinstance(one, Found) for one in found)
    return found  # type: ignore[return-value]


def below(drop: Drop, url: str) -> list[str]:
    return [one.url.removeprefix(drop.url + "/") for one in listed(url)]


def source(drop: Drop) -> Source:
    found = source_of(drop.url)
    assert found is not None
    return found


def test_a_folder_is_listed_files_before_folders_without_hidden_and_unfinished_ones(drop: Drop) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/deep/d.txt", ".hidden", "x.pdf.part", ".git/e.txt", "y.filepart"):
        drop.write(name, name.encode())
    assert below(drop, drop.url) == ["a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt"]
    assert below(drop, f"{drop.url}/") == below(drop, drop.url)


def test_a_folder_whose_name_only_begins_alike_is_another_one(drop: Drop) -> None:
    drop.write("one/a.txt", b"a")
    drop.write("one-more/b.txt", b"b")
    drop.write("one/deep/c.txt", b"c")
    assert below(drop, f"{drop.url}/one/") == ["one/a.txt", "one/deep/c.txt"]
    assert below(drop, f"{drop.url}/one/*.txt") == ["one/a.txt"]


def test_a_glob_looks_only_as_deep_as_it_says(drop: Drop) -> None:
    for name in ("b.txt", "a.pdf", "sub/c.txt", "sub/deep/d.txt"):
        drop.write(name, b"x")
    assert below(drop, f"{drop.url}/*.txt") == ["b.txt"]
    assert below(drop, f"{drop.url}/*/*.txt") == ["sub/c.txt"]
    assert below(drop, f"{drop.url}/**/*.txt") == ["b.txt", "sub/c.txt", "sub/deep/d.txt"]


def test_one_file_and_nothing(drop: Drop) -> None:
    drop.write("a.txt", b"abc")
    (one,) = listed(f"{drop.url}/a.txt")
    assert (one.url, one.size) == (f"{drop.url}/a.txt", 3)
    assert one.modified_ms is not None
    with pytest.raises(SourceNotFound):
        list_source(f"{drop.url}/none.txt")
    assert listed(f"{drop.url}/*.none") == []


@pytest.mark.parametrize("name", ["with space.txt", "übung ß.txt", "50% off.txt", "a+b&c=d.txt", "no;1@x.txt"])
def test_names_of_every_kind_are_found_again(drop: Drop, name: str) -> None:
    drop.write(name, name.encode())
    (one,) = listed(drop.url)
    assert one.url == f"{drop.url}/{name}"
    assert read_file(File(url=one.url), 1000) == name.encode()


def test_bytes_are_read_whole_and_bounded(drop: Drop) -> None:
    content = bytes(range(256)) * 2000
    drop.write("a.bin", content)
    (one,) = listed(drop.url)
    assert source(drop).read(one.url, 1_000_000, one.size) == content
    assert source(drop).read(one.url, 1_000_000) == content
    with pytest.raises(FileTooLarge):
        source(drop).read(one.url, 1000)
    with pytest.raises(FileMissing):
        source(drop).read(f"{drop.url}/none.txt", 1000)


def test_a_changed_file_has_another_version(drop: Drop) -> None:
    drop.write("a.txt", b"one")
    (before,), (same,) = listed(drop.url), listed(drop.url)
    drop.write("a.txt", b"three")
    (after,) = listed(drop.url)
    assert before == same
    assert before.version != after.version


def test_a_file_is_deleted_only_as_it_was(drop: Drop) -> None:
    drop.write("a.txt", b"one")
    (one,) = listed(drop.url)
    drop.write("a.txt", b"another")
    assert source(drop).put_away(one.url, one.version, "delete", "run") is True
    assert drop.names() == {"a.txt"}
    (now,) = listed(drop.url)
    assert source(drop).put_away(now.url, now.version, "delete", "run") is True
    assert drop.names() == set()
    assert source(drop).put_away(now.url, now.version, "delete", "run") is True  # again: nothing left to do


def test_a_file_is_moved_and_nothing_is_overwritten(drop: Drop) -> None:
    drop.write("a.txt", b"one")
    (one,) = listed(f"{drop.url}/*.txt")
    assert source(drop).put_away(one.url, one.version, f"move:{drop.url}/done", "run-1") is True
    assert drop.names() == {"done/a.txt"}
    assert read_file(File(url=f"{drop.url}/done/a.txt"), 1000) == b"one"
    drop.write("a.txt", b"another one")
    (two,) = listed(f"{drop.url}/*.txt")
    assert source(drop).put_away(two.url, two.version, f"move:{drop.url}/done", "run-2") is True
    assert drop.names() == {"done/a.txt", "done/a-run-2.txt"}


def test_a_move_that_was_killed_after_the_copy_is_ended(drop: Drop) -> None:
    drop.write("a.txt", b"one")
    drop.write("done/a.txt", b"one")
    (one,) = listed(f"{drop.url}/*.txt")
    assert source(drop).put_away(one.url, one.version, f"move:{drop.url}/done", "run-1") is True
    assert drop.names() == {"done/a.txt"}


def test_a_wrong_password_is_said_without_the_password(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    if drop.url.startswith("s3"):
        pytest.skip("moto does not check keys")
    monkeypatch.setenv("DROP_PASSWORD", drop.wrong)
    with pytest.raises(SourceUnreadable) as caught:
        list(list_source(drop.url))
    assert hidden(drop.wrong) not in str(caught.value)
    assert caught.value.retryable


def test_a_password_in_the_url_is_refused_and_not_shown(drop: Drop) -> None:
    scheme, _, rest = drop.url.partition("://")
    url = f"{scheme}://nightly:{PASSWORD}@{rest.rpartition('@')[2]}"
    with pytest.raises(UsageError) as caught:
        list_source(url)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in str(File(url=url).source)
