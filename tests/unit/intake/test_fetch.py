"""Reading bytes once, bounded in size, and giving every descriptor back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nightdrop import File
from nightdrop.errors import FileTooLarge, FileUnreadable
from nightdrop.intake.fetch import read_path
from nightdrop.intake.read import read_file
from nightdrop.intake.take import look_at, take_listed


def test_the_limit_is_inclusive(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 100)
    assert read_path(path, 100) == b"x" * 100
    with pytest.raises(FileTooLarge, match=r"100 bytes.*limit is 99.*NIGHTDROP_MAX_FILE_MB"):
        read_path(path, 99)


def test_what_cannot_be_read_leaks_no_descriptor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        for _ in range(10):
            with pytest.raises(FileUnreadable):
                read_path(place, 100)
    assert len(os.listdir("/proc/self/fd")) == before


def test_bytes_come_as_they_are() -> None:
    assert read_file(File(content=b"abc"), 10) == b"abc"
    assert read_file(File(content=bytearray(b"abc")), 10) == b"abc"  # type: ignore[arg-type]


def test_the_identity_is_the_hash_or_the_place(tmp_path: Path) -> None:
    good = tmp_path / "a.txt"
    good.write_text("Invoice number: 1")
    copy = tmp_path / "b.txt"
    copy.write_text("Invoice number: 1")
    gone, other = (look_at(File(filepath=tmp_path / name)) for name in ("gone.txt", "other.txt"))
    one, two = (take_listed(look_at(File(filepath=path)), 1000, 1000)[0] for path in (good, copy))
    assert one.identity == two.identity
    missing = [take_listed(listed, 1000, 1000)[0] for listed in (gone, gone, other)]
    assert missing[0].identity == missing[1].identity != missing[2].identity
    assert [t.refused.code for t in missing if t.refused] == ["file_not_found"] * 3


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    before = look_at(File(filepath=path))
    os.utime(path, ns=(1, 1))
    after = look_at(File(filepath=path))
    assert before.key == after.key == str(path)
    assert before.version != after.version
