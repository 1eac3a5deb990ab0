"""Azure's blobs as Microsoft documents their REST API, on loopback: signatures are checked, a copy takes a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_SIGNED = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)
_PAGE = 100
_tags = itertools.count(1)


@dataclass
class Blob:
    """copied_from: the blob that it is still being copied from; looks: how often it is said to be so."""

    content: bytes
    etag: str
    modified: str
    metadata: dict[str, str]
    copied_from: str = ""
    looks: int = 0
    copy: str = ""


class Blobs(BaseHTTPRequestHandler):
    """containers: blobs by name by container. key: of the account."""

    containers: dict[str, dict[str, Blob]]
    account: str
    key: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _asked(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.query = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
        container, _, name = urlsplit(self.path).path.removeprefix(f"/{self.account}/").partition("/")
        if self.headers.get("Authorization") != f"SharedKey {self.account}:{self._signature()}":
            self._refuse(403, "AuthenticationFailed")
        elif self.query.get("restype") == "container":
            self._container(container)
        elif container not in self.containers:
            self._refuse(404, "ContainerNotFound")
        else:
            getattr(self, f"_{self.command.lower()}")(self.containers[container], unquote(name), body)

    do_GET = do_HEAD = do_PUT = do_DELETE = _asked

    def _signature(self) -> str:
        said = [self.headers.get(name) or "" for name in _SIGNED]
        said[2] = "" if said[2] == "0" else said[2]
        ours = sorted((name.lower(), value) for name, value in self.headers.items() if name.lower().startswith("x-ms-"))
        lines = [self.command, *said, *(f"{name}:{value.strip()}" for name, value in ours)]
        lines.append(f"/{self.account}{urlsplit(self.path).path}")
        lines += [f"{name.lower()}:{value}" for name, value in sorted(self.query.items())]
        digest = hmac.new(base64.b64decode(self.key), "\n".join(lines).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _container(self, name: str) -> None:
        if self.command == "PUT":
            self.containers[name] = {}
            self._answer(201, etag='"1"')
        elif name not in self.containers:
            self._refuse(404, "ContainerNotFound")
        elif self.query.get("comp") == "list":
            self._list(name)
        else:
            self._answer(200, etag='"1"', last_modified=formatdate(usegmt=True))

    def _list(self, container: str) -> None:
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter")
        rows: dict[str, str] = {}
        for name, blob in sorted(self.containers[container].items()):
            if not name.startswith(prefix):
                continue
            if delimiter and delimiter in name[len(prefix) :]:
                folder = prefix + name[len(prefix) :].partition(delimiter)[0] + delimiter
                rows[folder] = f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>"
            else:
                rows[name] = self._row(name, blob)
        start = int(self.query.get("marker") or 0)
        page = "".join(list(rows.values())[start : start + _PAGE])
        marker = str(start + _PAGE) if start + _PAGE < len(rows) else ""
        body = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{container}">'
        body += f"<Prefix>{escape(prefix)}</Prefix><Delimiter>{delimiter or ''}</Delimiter>"
        body += f"<Blobs>{page}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
        self._answer(200, body.encode(), content_type="application/xml")

    @staticmethod
    def _row(name: str, blob: Blob) -> str:
        metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
        properties = f"<Last-Modified>{blob.modified}</Last-Modified><Etag>{blob.etag}</Etag>"
        properties += f"<Content-Length>{len(blob.content)}</Content-Length><BlobType>BlockBlob</BlobType>"
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties>{properties}</Properties>"
            f"<Metadata>{metadata}</Metadata></Blob>"
        )

    def _put(self, blobs: dict[str, Blob], name: str, body: bytes) -> None:
        metadata = {k[10:].lower(): v for k, v in self.headers.items() if k.lower().startswith("x-ms-meta-")}
        made = Blob(body, f'"0x{next(_tags):X}"', formatdate(usegmt=True), metadata)
        source = self.headers.get("x-ms-copy-source")
        if source is not None:
            given = unquote(urlsplit(source).path).removeprefix(f"/{self.account}/").partition("/")[2]
            if given not in blobs:
                self._refuse(404, "BlobNotFound")
                return
            made.copied_from, made.looks, made.copy = given, 1, "pending"
        blobs[name] = made
        copying = {"x_ms_copy_id": "1", "x_ms_copy_status": "pending"} if source else {}
        self._answer(202 if source else 201, etag=made.etag, last_modified=made.modified, **copying)

    def _head(self, blobs: dict[str, Blob], name: str, _body: bytes) -> None:
        blob = blobs.get(name)
        if blob is None:
            self._refuse(404, "BlobNotFound")
            return
        if blob.copied_from and blob.looks == 0:
            source = blobs.get(blob.copied_from)
            blob.content, blob.copied_from = b"" if source is None else source.content, ""
            blob.copy = "failed" if source is None else "success"
        blob.looks -= 1
        self._answer(200, blob.content, **self._facts(blob))

    def _facts(self, blob: Blob) -> dict[str, str]:
        facts = {"etag": blob.etag, "last_modified": blob.modified, "x_ms_blob_type": "BlockBlob"}
        facts |= {f"x_ms_meta_{key}": value for key, value in blob.metadata.items()}
        return facts | ({"x_ms_copy_id": "1", "x_ms_copy_status": blob.copy} if blob.copy else {})

    def _get(self, blobs: dict[str, Blob], name: str, _body: bytes) -> None:
        blob = blobs.get(name)
        if blob is None:
            self._refuse(404, "BlobNotFound")
            return
        asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if asked is None:
            self._answer(200, blob.content, **self._facts(blob))
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = blob.content[int(first) : int(last) + 1 if last else None]
        if not part:
            self._refuse(416, "InvalidRange")
            return
        placed = f"bytes {first}-{int(first) + len(part) - 1}/{len(blob.content)}"
        self._answer(206, part, content_range=placed, **self._facts(blob))

    def _delete(self, blobs: dict[str, Blob], name: str, _body: bytes) -> None:
        if blobs.pop(name, None) is None:
            self._refuse(404, "BlobNotFound")
        else:
            self._answer(202)

    def _refuse(self, code: int, word: str) -> None:
        body = f'<?xml version="1.0"?><Error><Code>{word}</Code><Message>{word}</Message></Error>'
        self._answer(code, body.encode(), content_type="application/xml", x_ms_error_code=word)

    def _answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"x_ms_version": "2025-01-05", "content_length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


def serve(ready: Callable[[int], None], account: str, key: str) -> None:
    """Answer until the process ends. ready: told the port."""
    made = type("Made", (Blobs,), {"containers": {}, "account": account, "key": key})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    ready(server.server_port)
    server.serve_forever()
