"""The blob store: bytes by hash, packed when small, on any file system."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from nightdrop.errors import StorageFailed
from nightdrop.store.blobs import PACK_BELOW, BlobStore

SMALL = [(f"{n:064x}", f"document {n}".encode() * (n + 1)) for n in range(5)]
LARGE = [("a" * 64, os.urandom(PACK_BELOW)), ("b" * 64, os.urandom(3 * PACK_BELOW))]


@pytest.fixture(params=["folder", "file URL", "memory", "fsync"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """The same store on every kind of place."""
    if request.param == "memory":
        return BlobStore(f"memory://nightdrop-{uuid.uuid4().hex}/blobs")
    if request.param == "file URL":
        return BlobStore((tmp_path / "blobs").as_uri())
    return BlobStore(str(tmp_path / "blobs"), fsync=request.param == "fsync")


def test_bytes_come_back_as_they_were(blobs: BlobStore) -> None:
    items = [*SMALL, *LARGE, ("c" * 64, b"")]
    locations = blobs.put_many(items)
    assert set(locations) == {sha for sha, _ in items}
    for sha, content in items:
        assert blobs.read(locations[sha]) == content


def test_small_ones_share_a_pack_and_large_ones_are_named_by_hash(blobs: BlobStore) -> None:
    locations = blobs.put_many([*SMALL, *LARGE])
    packs = {locations[sha].partition("#")[0] for sha, _ in SMALL}
    assert len(packs) == 1
    assert [locations[sha] for sha, _ in LARGE] == [f"{sha[:2]}/{sha}" for sha, _ in LARGE]


def test_a_lone_small_one_is_an_object_of_its_own(blobs: BlobStore) -> None:
    assert blobs.put_many(SMALL[:1]) == {SMALL[0][0]: f"00/{SMALL[0][0]}"}
    assert blobs.put_many([SMALL[1], LARGE[0]])[SMALL[1][0]] == f"00/{SMALL[1][0]}"


def test_storing_again_changes_nothing(blobs: BlobStore) -> None:
    first, second = blobs.put_many(LARGE), blobs.put_many(LARGE)
    assert first == second
    assert blobs.read(first["a" * 64]) == LARGE[0][1]


def test_what_is_gone_is_said(blobs: BlobStore) -> None:
    for location in ("ff/nothing", "packs/nothing#0,5"):
        with pytest.raises(StorageFailed, match="cannot read document"):
            blobs.read(location)


def test_a_pack_that_was_cut_short_is_not_read_as_less(tmp_path: Path) -> None:
    blobs = BlobStore(str(tmp_path))
    locations = blobs.put_many(SMALL)
    (pack,) = (tmp_path / "packs").iterdir()
    pack.write_bytes(pack.read_bytes()[:-3])
    assert blobs.read(locations[SMALL[0][0]]) == SMALL[0][1]
    with pytest.raises(StorageFailed, match="cut short"):
        blobs.read(locations[SMALL[-1][0]])


def test_a_half_written_object_is_replaced(tmp_path: Path) -> None:
    """What a power loss may leave: a file of the right name and the wrong size."""
    sha, content = LARGE[0]
    place = tmp_path / "aa" / sha
    place.parent.mkdir()
    place.write_bytes(content[:10])
    blobs = BlobStore(str(tmp_path))
    assert blobs.read(blobs.put_many([LARGE[0]])[sha]) == content


def test_a_place_that_takes_nothing_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed, match="cannot store documents in"):
        BlobStore(str(tmp_path / "blobs")).put_many(LARGE)
    assert [p.name for p in tmp_path.rglob("*")] == ["blobs"]


def test_no_partial_file_is_left(tmp_path: Path) -> None:
    BlobStore(str(tmp_path)).put_many([*SMALL, *LARGE])
    assert [p for p in tmp_path.rglob("*") if p.suffix == ".part"] == []
