"""Manifests: JSONL, CSV and text lists of paths, in the shapes that people really have."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nightdrop.errors import SourceNotFound, UsageError
from nightdrop.intake.listing import SourceKind, list_source


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder with two documents and room for a manifest."""
    for name in ("a.pdf", "b c.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-")
    return tmp_path


def entries(path: Path, kind: SourceKind = "auto") -> list[str]:
    return [f.url or os.path.relpath(str(f.filepath), path.parent) for f in list_source(path, kind)]


def test_jsonl_of_strings_and_objects(drop: Path) -> None:
    manifest = drop / "list.jsonl"
    lines = [
        "a.pdf",
        {"path": "b c.pdf"},
        {"file": "x.pdf"},
        {"url": "https://h/y.pdf"},
        {"path": "", "url": "s3://b/z"},
    ]
    manifest.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert entries(manifest) == ["a.pdf", "b c.pdf", "x.pdf", "https://h/y.pdf", "s3://b/z"]


@pytest.mark.parametrize("line", ["{not json", "7", '{"name": "a.pdf"}', "[]", '{"path": 7}', "null"])
def test_a_line_that_names_nothing_is_said_with_its_number(drop: Path, line: str) -> None:
    manifest = drop / "list.jsonl"
    manifest.write_text(f'"a.pdf"\n{line}\n')
    files = list_source(manifest)
    next(files)
    with pytest.raises(UsageError, match=r"list\.jsonl, line 2: "):
        next(files)


@pytest.mark.parametrize("column", ["path", "file", "filepath", "filename", "url", "Path", " FILE "])
def test_csv_by_its_column(drop: Path, column: str) -> None:
    manifest = drop / "list.csv"
    manifest.write_text(f'no,{column},note\n1,a.pdf,"x\ny"\n2,"b c.pdf",\n3,,nothing\n4\n')
    assert entries(manifest) == ["a.pdf", "b c.pdf"]


def test_csv_as_excel_saves_it(drop: Path) -> None:
    """A byte order mark, and line ends of Windows."""
    manifest = drop / "list.csv"
    manifest.write_bytes(b"\xef\xbb\xbfpath,no\r\na.pdf,1\r\n")
    assert entries(manifest) == ["a.pdf"]


def test_csv_with_semicolons(drop: Path) -> None:
    """What Excel saves in most of Europe."""
    manifest = drop / "list.csv"
    manifest.write_text("no;path;note\n1;a.pdf;x, y\n2;b c.pdf;\n")
    assert entries(manifest) == ["a.pdf", "b c.pdf"]


def test_a_csv_without_such_a_column_is_a_document(drop: Path) -> None:
    manifest = drop / "data.csv"
    manifest.write_text("no,amount\n1,2.00\n")
    assert entries(manifest) == ["data.csv"]
    with pytest.raises(UsageError, match=r"has no column named path.*it has .no,amount"):
        list(list_source(manifest, "manifest"))


def test_text_with_comments_and_blanks(drop: Path) -> None:
    manifest = drop / "list.txt"
    manifest.write_text("# tonight\r\n\r\na.pdf\r\nb c.pdf\r\nmissing.pdf\r\n")
    assert entries(manifest) == ["a.pdf", "b c.pdf", "missing.pdf"]


def test_a_text_that_is_no_list_is_a_document(drop: Path) -> None:
    letter = drop / "letter.txt"
    letter.write_text("Dear customer,\n\na.pdf\n")
    assert entries(letter) == ["letter.txt"]
    (drop / "empty.txt").write_text("")
    assert entries(drop / "empty.txt") == ["empty.txt"]


def test_any_file_can_be_said_to_be_a_manifest(drop: Path) -> None:
    manifest = drop / "tonight.lst"
    manifest.write_text("missing.pdf\na.pdf\n")
    assert entries(manifest, "manifest") == ["missing.pdf", "a.pdf"]


def test_paths_are_absolute_or_beside_the_manifest_or_below_the_working_folder(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (drop / "lists").mkdir()
    (drop / "lists" / "here.pdf").write_bytes(b"%PDF-")
    manifest = drop / "lists" / "list.jsonl"
    manifest.write_text(f'"here.pdf"\n"a.pdf"\n{json.dumps(str(drop / "b c.pdf"))}\n')
    monkeypatch.chdir(drop)
    found = [str(f.filepath) for f in list_source(manifest)]
    assert found == [str(drop / "lists" / "here.pdf"), "a.pdf", str(drop / "b c.pdf")]


def test_a_manifest_streams(drop: Path) -> None:
    """The first entries come before the rest is read: a broken last line does not hide them."""
    manifest = drop / "list.jsonl"
    with manifest.open("w") as stream:
        stream.writelines(f'"d{n}.pdf"\n' for n in range(50_000))
        stream.write("broken")
    files = list_source(manifest)
    assert [os.path.basename(str(next(files).filepath)) for _ in range(3)] == ["d0.pdf", "d1.pdf", "d2.pdf"]


def test_a_manifest_that_vanished_is_not_found(drop: Path) -> None:
    (drop / "gone.jsonl").symlink_to(drop / "nothing")
    with pytest.raises(SourceNotFound, match="cannot be read"):
        list_source(drop / "gone.jsonl")
