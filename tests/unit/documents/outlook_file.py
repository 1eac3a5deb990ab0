"""Writes a minimal Outlook message: an OLE container (MS-CFB) with the streams that a mail program makes."""

from __future__ import annotations

import struct

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def outlook_message(subject: str, body: str, attachments: dict[str, bytes]) -> bytes:
    """A .msg with a sender, and these files attached."""
    root: dict[str, object] = {
        "__nameid_version1.0": {"__substg1.0_00020102": b"\0" * 16},
        "__properties_version1.0": b"\0" * 32,
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_0C1A001F": "A. Sender".encode("utf-16-le"),
        "__substg1.0_1000001F": body.encode("utf-16-le"),
    }
    for number, (name, content) in enumerate(attachments.items()):
        root[f"__attach_version1.0_#{number:08X}"] = {
            "__substg1.0_37010102": content,
            "__substg1.0_3707001F": name.encode("utf-16-le"),
        }
    return ole(root)


class _Sectors:
    """Data in sectors of one size, and the table that chains them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = b""
        self.chains: list[int] = []

    def add(self, data: bytes) -> int:
        """Where it begins."""
        if not data:
            return _END
        first = len(self.chains)
        count = -(-len(data) // self.size)
        self.data += data.ljust(count * self.size, b"\0")
        self.chains += [*range(first + 1, first + count), _END]
        return first


def ole(tree: dict[str, object]) -> bytes:
    """The container; streams of less than 4,096 bytes share the mini stream."""
    large, small = _Sectors(512), _Sectors(64)
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, _FREE, _END, 0]]
    _add(tree, 0, entries, large, small)
    entries[0][5:] = [large.add(small.data), len(small.data)]
    mini_fat = struct.pack(f"<{len(small.chains)}I", *small.chains)
    mini_count = -(-len(mini_fat) // 512)
    first_mini = large.add(mini_fat + b"\xff" * (mini_count * 512 - len(mini_fat)))
    directory = b"".join(_entry(*entry) for entry in entries)  # type: ignore[arg-type]
    first_directory = large.add(directory + _entry("", 0, _FREE, _FREE, _FREE, 0, 0) * (-len(entries) % 4))
    count = 1
    while len(large.chains) + count > count * 128:
        count += 1
    first_fat = len(large.chains)
    fat = [*large.chains, *[_FAT] * count]
    fat += [_FREE] * (count * 128 - len(fat))
    difat = [first_fat + i for i in range(count)] + [_FREE] * (109 - count)
    header = struct.pack("<8s16x5H6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, count, first_directory, 0, 4096, first_mini, mini_count, _END, 0)
    return header + struct.pack("<109I", *difat) + large.data + struct.pack(f"<{len(fat)}I", *fat)


def _add(tree: dict[str, object], parent: int, entries: list[list[object]], large: _Sectors, small: _Sectors) -> None:
    before: int | None = None
    for name, value in tree.items():
        at = len(entries)
        if before is None:
            entries[parent][4] = at
        else:
            entries[before][3] = at
        before = at
        if isinstance(value, dict):
            entries.append([name, 1, _FREE, _FREE, _FREE, 0, 0])
            _add(value, at, entries, large, small)
        else:
            assert isinstance(value, bytes)
            sectors = small if len(value) < 4096 else large
            entries.append([name, 2, _FREE, _FREE, _FREE, sectors.add(value), len(value)])


def _entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
    wide = (name + "\0").encode("utf-16-le") if name else b""
    places = (left, right, child)
    return struct.pack("<64sHBB3I16xI16xIQ", wide.ljust(64, b"\0"), len(wide), kind, 1, *places, 0, start, size)
