"""A drive as Microsoft Graph documents it, on loopback: lists page by page, gives, deletes and asks for a token."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token"
_PAGE = 2


class Drive(BaseHTTPRequestHandler):
    """files: bytes by path; failures: how many listings still answer 503; secret: what the client must know."""

    files: dict[str, bytes]
    failures: list[int]
    secret: str
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        basic = self.headers.get("Authorization", "")
        if not (basic.startswith("Basic ") or given.get("client_secret") == [self.secret]):
            self._answer(401, {"error": "invalid_client"})
            return
        self._answer(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        path, action = self._asked()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": {"code": "InvalidAuthenticationToken"}})
        elif action == "children":
            self._children(path)
        elif path not in self.files:
            self._answer(404 if not self._inside(path) else 200, self._item(path))
        elif action == "content":
            self._answer(200, self.files[path])
        else:
            self._answer(200, self._item(path))

    def do_DELETE(self) -> None:
        """By path or by id, which is the path here."""
        path = unquote(self.path).partition("/items/")[2] or self._asked()[0]
        self._answer(204 if self.files.pop(path, None) is not None else 404, b"")

    def _children(self, folder: str) -> None:
        if self.failures:
            self.failures.pop()
            self._answer(503, {"error": {"code": "serviceNotAvailable"}})
            return
        found = self._inside(folder)
        if not found:
            self._answer(404, {"error": {"code": "itemNotFound"}})
            return
        start = int(parse_qs(urlsplit(self.path).query).get("skip", ["0"])[0])
        page: dict[str, Any] = {"value": [self._item(path) for path in found[start : start + _PAGE]]}
        if start + _PAGE < len(found):
            here = f"http://{self.headers['Host']}{urlsplit(self.path).path}"
            page["@odata.nextLink"] = f"{here}?skip={start + _PAGE}"
        self._answer(200, page)

    def _inside(self, folder: str) -> list[str]:
        """Paths of the files and folders right in a folder."""
        below = [path for path in self.files if path.startswith(f"{folder}/")]
        return sorted({folder + "/" + path[len(folder) + 1 :].partition("/")[0] for path in below})

    def _item(self, path: str) -> dict[str, Any]:
        folder, _, name = path.rpartition("/")
        item: dict[str, Any] = {"id": path, "name": name, "lastModifiedDateTime": "2026-11-01T08:00:00Z"}
        item["parentReference"] = {"driveId": "d", "path": f"/drives/d/root:{folder}"}
        if path in self.files:
            return {**item, "size": len(self.files[path]), "file": {"mimeType": "text/plain"}}
        return {**item, "folder": {"childCount": 1}}

    def _asked(self) -> tuple[str, str]:
        """(path in the drive, children | content | nothing)."""
        found = re.fullmatch(r"/v1\.0/drives/d/root:(/[^:]*):(?:/(\w+))?", unquote(urlsplit(self.path).path))
        return (found[1].rstrip("/"), found[2] or "") if found else ("/", "")

    def _answer(self, code: int, content: dict[str, Any] | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass
