"""Google Drive as Google documents version 3 of its REST API, on loopback: names repeat, tokens are asked for."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth import jwt

TOKEN = "ya29.a-token"
FOLDER = "application/vnd.google-apps.folder"
ROOT = "the-id-of-the-root-of-it"
_PAGE = 3
_START = datetime(2026, 11, 1, 8, tzinfo=UTC)
_numbers = itertools.count(1)
_QUERY = re.compile(r"'(?P<parent>[^']+)' in parents and trashed = false(?: and name = '(?P<name>(?:[^'\\]|\\.)*)')?")


def _now() -> str:
    moment = _START + timedelta(milliseconds=next(_numbers))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Kept:
    """A file or folder of the drive."""

    name: str
    parent: str
    mime_type: str = "application/octet-stream"
    content: bytes = b""
    trashed: bool = False
    id: str = field(default_factory=lambda: f"1aBcDeFgHiJkLmNo-_{next(_numbers):06}")
    created: str = field(default_factory=_now)
    modified: str = field(default_factory=_now)

    def said(self) -> dict[str, Any]:
        item = {"id": self.id, "name": self.name, "mimeType": self.mime_type, "trashed": self.trashed}
        item |= {"createdTime": self.created, "modifiedTime": self.modified, "parents": [self.parent]}
        if not self.mime_type.startswith("application/vnd.google-apps."):
            item |= {"size": str(len(self.content)), "md5Checksum": hashlib.md5(self.content).hexdigest()}
        return item


class Files:
    """What the drive holds."""

    def __init__(self) -> None:
        self.by_id = {ROOT: Kept("My Drive", "", FOLDER, id=ROOT)}

    def add(self, kept: Kept) -> Kept:
        self.by_id[kept.id] = kept
        return kept

    def inside(self, parent: str) -> list[Kept]:
        parent = ROOT if parent == "root" else parent
        return [kept for kept in self.by_id.values() if kept.parent == parent and not kept.trashed]

    def folder(self, path: str) -> str:
        """Its id, made if need be."""
        here = ROOT
        for name in filter(None, path.split("/")):
            found = [kept for kept in self.inside(here) if kept.name == name]
            here = (found[0] if found else self.add(Kept(name, here, FOLDER))).id
        return here

    def write(self, path: str, content: bytes) -> Kept:
        folder, _, name = path.rpartition("/")
        parent = self.folder(folder)
        for kept in self.inside(parent):
            if kept.name == name:
                kept.content, kept.modified = content, _now()
                return kept
        return self.add(Kept(name, parent, content=content))

    def names(self, path: str) -> list[str]:
        """Paths of the files below a folder."""
        return sorted(self._below(self.folder(path), ""))

    def _below(self, parent: str, before: str) -> list[str]:
        found = []
        for kept in self.inside(parent):
            deeper = self._below(kept.id, f"{before}{kept.name}/") if kept.mime_type == FOLDER else None
            found += [before + kept.name] if deeper is None else deeper
        return found


class Drive(BaseHTTPRequestHandler):
    """files: what it holds. public_key: of the account that may sign in. refusals: codes and reasons to come."""

    files: Files
    public_key: bytes
    refusals: list[tuple[int, str]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _asked(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.query = {name: value[0] for name, value in parse_qs(url.query).items()}
        if url.path == "/token":
            self._token(body)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "authError")
        elif self.refusals:
            self._refuse(*self.refusals.pop())
        else:
            file_id, _, action = url.path.partition("drive/v3/files")[2].strip("/").partition("/")
            self._file(file_id, action, body)

    do_GET = do_POST = do_PATCH = _asked

    def _token(self, body: bytes) -> None:
        try:
            jwt.decode(parse_qs(body.decode())["assertion"][0], certs=self.public_key, verify=True)
        except ValueError:
            self._answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
            return
        self._answer(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})

    def _file(self, file_id: str, action: str, body: bytes) -> None:
        kept = self.files.by_id.get(ROOT if file_id == "root" else file_id)
        if not file_id and self.command == "GET":
            self._list()
        elif not file_id:
            self._answer(200, self.files.add(self._made(body)).said())
        elif kept is None:
            self._refuse(404, "notFound")
        elif self.command == "PATCH":
            self._change(kept, body)
        elif action == "export":
            self._answer(200, f"{kept.name} as {self.query['mimeType']}".encode())
        elif self.query.get("alt") == "media" and kept.mime_type.startswith("application/vnd.google-apps."):
            self._refuse(403, "fileNotDownloadable")
        else:
            self._answer(200, kept.content if self.query.get("alt") == "media" else kept.said())

    def _list(self) -> None:
        asked = _QUERY.fullmatch(self.query["q"])
        assert asked is not None, self.query["q"]
        found = self.files.inside(asked["parent"])
        if asked["name"] is not None:
            name = re.sub(r"\\(.)", r"\1", asked["name"]).lower()
            found = [kept for kept in found if kept.name.lower() == name]
        found.sort(key=lambda kept: kept.id, reverse=True)
        start = int(self.query.get("pageToken", "0"))
        page: dict[str, Any] = {"files": [kept.said() for kept in found[start : start + _PAGE]]}
        if start + _PAGE < len(found):
            page["nextPageToken"] = str(start + _PAGE)
        self._answer(200, page)

    def _made(self, body: bytes) -> Kept:
        if self.query.get("uploadType") != "multipart":
            given = json.loads(body)
            return Kept(given["name"], given["parents"][0], given["mimeType"])
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        _, head, content, _ = body.split(b"--" + boundary)
        given = json.loads(head.partition(b"\r\n\r\n")[2])
        return Kept(given["name"], given["parents"][0], content=content.partition(b"\r\n\r\n")[2][:-2])

    def _change(self, kept: Kept, body: bytes) -> None:
        if self.query.get("uploadType") == "media":
            kept.content, kept.modified = body, _now()
        else:
            given = json.loads(body)
            kept.name, kept.trashed = given.get("name", kept.name), given.get("trashed", kept.trashed)
            kept.parent = self.query.get("addParents", kept.parent)
        self._answer(200, kept.said())

    def _refuse(self, code: int, reason: str) -> None:
        error = {"code": code, "message": f"{reason} it says", "errors": [{"reason": reason}]}
        self._answer(code, {"error": error})

    def _answer(self, code: int, content: dict[str, Any] | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass
