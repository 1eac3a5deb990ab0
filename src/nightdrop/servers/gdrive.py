"""Google Drive as a file system of paths, which it is not: two files of one folder may have the same name.

The oldest has the plain name. Each other one, and one whose name is no name of a path, is shown with its id, as in
`a~ID.pdf`, and found by it.
"""

from __future__ import annotations

import io
import re
from functools import cached_property
from typing import Any

from nightdrop import clock
from nightdrop.errors import FileUnreadable
from nightdrop.servers.drive_client import FOLDER, DriveClient, Item

_OWN = "application/vnd.google-apps."
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EXPORTED = {
    f"{_OWN}document": "application/pdf",
    f"{_OWN}presentation": "application/pdf",
    f"{_OWN}drawing": "application/pdf",
    f"{_OWN}spreadsheet": _SHEET,
}
_REMEMBERED_SECONDS = 30.0
_WITH_ID = re.compile(r"~([A-Za-z0-9_-]{15,})(?:\.[^./]*)?")


class GoogleDrive:
    """root_file_id: the folder, or shared drive, that paths begin in: `root` is the user's own drive.

    One for each thread. Where folders are is remembered for half a minute of reading.
    """

    protocol = "gdrive"
    cachable = False

    def __init__(
        self,
        root_file_id: str = "root",
        creds: str | None = None,
        access: str = "full_control",
        endpoint_url: str = "https://www.googleapis.com",
    ) -> None:
        self._client = DriveClient(creds, access, endpoint_url)
        self._named_root = root_file_id
        self._folders: dict[str, str] = {}
        self._remembered_at = 0.0

    @staticmethod
    def clear_instance_cache() -> None:
        """Nothing is kept but by who made it."""

    @cached_property
    def _root(self) -> str:
        """The id of what paths begin in: `root` is only another name for one, which no file says of its parents."""
        root: str = self._client.get(self._named_root)["id"]
        return root

    def invalidate_cache(self) -> None:
        """Forget where folders are."""
        self._folders.clear()

    def ls(self, path: str, detail: bool = True) -> list[dict[str, Any]]:
        """What lies in a folder. Raises FileNotFoundError."""
        del detail
        path = path.strip("/")
        folder = self._item(path)["id"]
        seen: set[str] = set()
        infos = []
        for item in self._client.children(folder):
            shown = item["name"]
            if shown in seen or not _is_plain(shown):
                shown = _with_id(item)
            seen.add(item["name"])
            infos.append(_info(f"{path}/{shown}".lstrip("/"), item))
        return infos

    def info(self, path: str) -> dict[str, Any]:
        """A file or folder. Raises FileNotFoundError."""
        return _info(path.strip("/"), self._item(path.strip("/")))

    def cat_file(self, path: str) -> bytes:
        """The bytes of a file; of a document of Google's own kind as PDF, of a table as a workbook."""
        item = self._item(path.strip("/"))
        kind = item["mimeType"]
        if kind in _EXPORTED:
            return self._client.exported(item["id"], _EXPORTED[kind])
        if kind.startswith(_OWN):
            raise FileUnreadable(f"gdrive://{path} is no file: {kind}")
        return self._client.content(item["id"])

    def open(self, path: str, mode: str = "rb") -> io.BytesIO:
        """A file in memory."""
        del mode
        return io.BytesIO(self.cat_file(path))

    def pipe_file(self, path: str, content: bytes) -> None:
        """Write a file, whole or not at all, and the folders above it where there are none."""
        folder, _, name = path.strip("/").rpartition("/")
        self.makedirs(folder)
        try:
            self._client.replace(self._item(path.strip("/"))["id"], content)
        except FileNotFoundError:
            self._client.create(name, self._item(folder)["id"], content)

    def makedirs(self, path: str, exist_ok: bool = True) -> None:
        """Make a folder, and those above it."""
        del exist_ok
        whole = ""
        for name in filter(None, path.split("/")):
            parent, whole = whole, f"{whole}/{name}".lstrip("/")
            try:
                self._item(whole)
            except FileNotFoundError:
                self._folders[whole] = self._client.make_folder(name, self._item(parent)["id"])["id"]

    def mv(self, path: str, target: str) -> None:
        """Give a file another path, in one step; a name that is taken would be there twice, and nothing lost."""
        item = self._item(path.strip("/"))
        folder, _, name = target.strip("/").rpartition("/")
        there, here = self._item(folder)["id"], ",".join(item["parents"])
        moved = {} if there == here else {"addParents": there, "removeParents": here}
        self._client.change(item["id"], {"name": name}, **moved)

    def rm_file(self, path: str) -> None:
        """Put a file into the trash, out of which it can be had back."""
        self._client.change(self._item(path.strip("/"))["id"], {"trashed": True})

    def _item(self, path: str) -> Item:
        """What is at a path without slashes around it. Raises FileNotFoundError."""
        if not path:
            return {"id": self._root, "name": "", "mimeType": FOLDER}
        folder, _, name = path.rpartition("/")
        return self._named(self._folder(folder), name, path)

    def _folder(self, path: str) -> str:
        if not path:
            return self._root
        if clock.monotonic() - self._remembered_at > _REMEMBERED_SECONDS:
            self._folders.clear()
            self._remembered_at = clock.monotonic()
        if path not in self._folders:
            item = self._item(path)
            if item["mimeType"] != FOLDER:
                raise FileNotFoundError(f"{path} is no folder")
            self._folders[path] = item["id"]
        return self._folders[path]

    def _named(self, folder: str, name: str, path: str) -> Item:
        for item in self._client.children(folder, name):
            return item
        with_id = _WITH_ID.search(name)
        if with_id is not None:
            item = self._client.get(with_id[1])
            if folder in item.get("parents", ()) and not item.get("trashed") and _with_id(item) == name:
                return item
        raise FileNotFoundError(path)


def _is_plain(name: str) -> bool:
    return "/" not in name and name not in ("", ".", "..")


def _with_id(item: Item) -> str:
    """The name with the id before its ending."""
    name = item["name"].replace("/", "_")
    stem, dot, ending = name.rpartition(".")
    return f"{stem}~{item['id']}.{ending}" if dot and stem else f"{name}~{item['id']}"


def _info(path: str, item: Item) -> dict[str, Any]:
    """As fsspec says it. What Google makes when it is asked has no size; the version is of this file, not its name."""
    if item["mimeType"] == FOLDER:
        return {"name": path, "type": "directory", "size": None}
    size = None if item["mimeType"].startswith(_OWN) else int(item.get("size", 0))
    tag = f"{item['id']}-{item.get('md5Checksum') or item['modifiedTime']}"
    return {"name": path, "type": "file", "size": size, "etag": tag, "modified": item["modifiedTime"]}
