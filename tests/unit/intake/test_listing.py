"""What a source names: folders, globs, single files, URLs and the caller's own iterables."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

import pytest

from nightdrop import File
from nightdrop.errors import SourceNotFound
from nightdrop.intake.listing import Given, list_source, source_label


def listed(source: Given, root: Path | None = None) -> list[str]:
    found = [str(file.filepath or file.url) for file in list_source(source)]
    return [os.path.relpath(path, root) for path in found] if root else found


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_a_folder_is_walked_in_a_stable_order_files_before_folders(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/z.txt", "a/b/c.txt", "A.txt", "c.txt")
    assert listed(tmp_path, tmp_path) == ["A.txt", "b.txt", "c.txt", "a/z.txt", "a/b/c.txt"]


def test_hidden_and_unfinished_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".DS_Store", ".git/config", "a.txt", "b.pdf.part", "c.tmp", "d/.hidden/e.txt")
    assert listed(tmp_path, tmp_path) == ["a.txt"]


def test_a_folder_named_explicitly_may_be_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".inbox/a.txt")
    assert listed(tmp_path / ".inbox", tmp_path) == [".inbox/a.txt"]


def test_links_to_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path, "drop/a.txt", "elsewhere/b.txt")
    (tmp_path / "drop" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "drop")
    (tmp_path / "drop" / "self").symlink_to(tmp_path / "drop")
    assert listed(tmp_path / "drop", tmp_path / "drop") == ["a.txt", "link/b.txt"]


def test_a_very_deep_folder_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    (deep / "a.txt").write_text("a")
    assert len(listed(tmp_path)) == 1


def test_a_glob_is_sorted_and_holds_no_folders(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a.txt", "c.pdf", "sub/d.txt")
    (tmp_path / "folder.txt").mkdir()
    assert listed(f"{tmp_path}/*.txt", tmp_path) == ["a.txt", "b.txt"]
    assert listed(f"{tmp_path}/**/*.txt", tmp_path) == ["a.txt", "b.txt", "sub/d.txt"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    write(tmp_path, "what[1]?.txt", "what1x.txt")
    assert listed(tmp_path / "what[1]?.txt", tmp_path) == ["what[1]?.txt"]


@pytest.mark.parametrize("name", ["nothing", "*.pdf", "no/such/folder/*.txt", "", "a\0b"])
def test_a_source_that_is_not_there_is_said_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceNotFound):
        list_source(f"{tmp_path}/none/{name}" if name else name)


def test_a_dangling_link_is_a_document_that_will_be_refused(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    assert listed(tmp_path / "gone.txt", tmp_path) == ["gone.txt"]
    assert listed(tmp_path, tmp_path) == ["gone.txt"]


def _append_listed(found: list[list[str]], source: Path) -> None:
    found.append(listed(source))


def test_a_pipe_named_like_a_manifest_is_not_waited_for(tmp_path: Path) -> None:
    for ending in (".txt", ".csv", ".jsonl"):
        os.mkfifo(tmp_path / f"pipe{ending}")
        found: list[list[str]] = []
        look = partial(_append_listed, found, tmp_path / f"pipe{ending}")
        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(5)
        assert found == [[str(tmp_path / f"pipe{ending}")]]


def test_urls_and_file_urls(tmp_path: Path) -> None:
    write(tmp_path, "a b.txt")
    assert [file.url for file in list_source("https://host/a.pdf")] == ["https://host/a.pdf"]
    assert listed((tmp_path / "a b.txt").as_uri(), tmp_path) == ["a b.txt"]
    assert listed(tmp_path.as_uri(), tmp_path) == ["a b.txt"]


def test_an_iterable_may_mix_paths_urls_and_files_and_is_not_read_ahead() -> None:
    taken = []

    def source():  # type: ignore[no-untyped-def]
        for entry in ("a.txt", Path("b.txt"), "http://host/c", File(content=b"d")):
            taken.append(entry)
            yield entry

    files = list_source(source())
    assert taken == []
    assert next(files).filepath == "a.txt"
    assert len(taken) == 1
    assert [f.filepath or f.url or f.content for f in files] == [Path("b.txt"), "http://host/c", b"d"]


def test_the_label_is_the_sources_own_name() -> None:
    assert source_label("in/*.pdf") == "in/*.pdf"
    assert source_label(Path("in")) == "in"
    assert source_label(File(filepath="a.pdf")) == "a.pdf"
    assert source_label(["a.pdf"]) is None


def test_names_that_are_no_utf8_are_listed(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.txt")
    (tmp_path / name).write_text("x")
    assert listed(tmp_path, tmp_path) == [name]
