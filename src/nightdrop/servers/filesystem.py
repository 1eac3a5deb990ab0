"""The fsspec file system behind a URL: made with the options of `sources.toml`, its listings never cached."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.asyn import sync

from nightdrop import clock
from nightdrop.errors import ExtraMissing, NightdropError, UsageError
from nightdrop.servers import azure, pages, renaming, sftp
from nightdrop.servers.credentials import options_for, refuse_password
from nightdrop.servers.schemes import ARCHIVES, BUCKETS, HOSTS, SCHEMES
from nightdrop.servers.store_options import store_options

_EXTRAS = {
    "sftp": "sftp",
    "ssh": "sftp",
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "abfs": "azure",
    "abfss": "azure",
    "az": "azure",
    "webdav": "webdav",
    "webdavs": "webdav",
    "smb": "smb",
    "gdrive": "gdrive",
    "onedrive": "onedrive",
}
_NAMES = {"webdavs": "webdav", "abfss": "abfs", "onedrive": "msgd"}  # of fsspec
_TIMEOUT_SECONDS = 60.0
_SLOWEST = 50_000  # bytes a second
_SSH = {  # asyncssh: the user's own known_hosts, since sshfs would ask for none; a dead line is noticed
    "known_hosts": (),
    "connect_timeout": 30,
    "login_timeout": 30,
    "keepalive_interval": 15,
    "timeout": 60,
}
_ONE_REQUEST = 8 * 1024 * 1024  # bytes that are asked of S3 at once, larger ones in parts
_here = threading.local()
_MODIFIED = ("mtime", "LastModified", "last_modified", "updated", "modified", "modify", "date_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A URL taken apart: its file system, the path there, and how a path there is written as a URL again.

    puts_whole: whether what is written is there whole or not at all.
    """

    fs: Any
    path: str
    before: str
    behind: str = ""
    can_rename: bool = False
    puts_whole: bool = True

    def url(self, path: str) -> str:
        """The URL of a path of this file system."""
        return f"{self.before}{path.lstrip('/')}{self.behind}"

    def ask(self, what: str, *given: Any, size: int = 0, **options: Any) -> Any:
        """Call the file system. One that hangs ends as a timeout, given more time for so many bytes."""
        if getattr(self.fs, "async_impl", False):
            options["timeout"] = _TIMEOUT_SECONDS + size / _SLOWEST
        return getattr(self.fs, what)(*given, **options)

    def whole(self, size: int | None) -> bytes:
        """The file's bytes, in as few calls as its server allows when its size is known."""
        given = 0 if size is None else size
        if size is not None and size < sftp.ONE_REPLY and sftp.is_sftp(self.fs):
            content: bytes = sync(self.fs.loop, sftp.read_small, self.fs, self.path, size, timeout=_TIMEOUT_SECONDS)
            if len(content) == size:  # else it has changed since it was listed
                return content
        if size is not None and size <= _ONE_REQUEST and pages.is_s3(self.fs):
            return bytes(self.ask("cat_file", self.path, size=given, max_concurrency=1))  # else it asks for the size
        return bytes(self.ask("cat_file", self.path, size=given))

    def info(self) -> dict[str, Any]:
        """What its server says of the file now. Raises FileNotFoundError."""
        self._forget_listings()
        info: dict[str, Any] = self.ask("info", self.path)
        return info

    def _forget_listings(self) -> None:
        if hasattr(self.fs, "invalidate_cache"):
            self.fs.invalidate_cache()

    def entries(self, folder: str) -> Iterator[dict[str, Any]]:
        """What lies in a folder, one page in memory at a time where the file system allows it, else sorted."""
        found = pages.of_bucket(self.fs, folder)
        if found is not None:
            yield from found
            return
        self._forget_listings()
        yield from sorted(self.ask("ls", folder, detail=True), key=lambda info: str(info["name"]))

    def copy(self, target: str, size: int) -> None:
        """Copy the file to another path of its server; at its end the copy is whole."""
        renaming.copy(self.fs, self.ask, self.path, target, size)

    def rename(self, target: str) -> None:
        """Give the file another path, which is free."""
        renaming.rename(self.fs, self.ask, self.path, target)

    def replace_by(self, other: str) -> None:
        """Give the file at another path this one's path, whether there is a file here or not."""
        renaming.replace(self.fs, self.ask, other, self.path)


def place_of(url: str) -> Place:
    """Connect to what a URL names. Raises ExtraMissing, UsageError, and whatever the connection raises."""
    refuse_password(url)
    scheme, _, rest = url.partition("://")
    if scheme in ARCHIVES:
        return _archive(url, scheme, rest)
    kind = _filesystem_class(scheme)
    netloc, _, path = rest.partition("/")
    if scheme in HOSTS:
        options = _host_options(scheme, url) | options_for(url)
        fs = _made(kind, _webdav(options) if scheme in ("webdav", "webdavs") else options)
        root = "" if scheme in ("webdav", "webdavs") else "/"
        return Place(fs=fs, path=f"{root}{path}", before=f"{scheme}://{netloc}/", can_rename=True, puts_whole=False)
    options = store_options(scheme, netloc) | options_for(url)
    if scheme == "gdrive":
        return Place(fs=_made(kind, options), path=rest.strip("/"), before="gdrive://", can_rename=True)
    fs = azure.made(kind, options) if scheme in azure.SCHEMES else kind(**options)
    if scheme in ("s3", "s3a"):
        fs.retries = 2  # botocore and the caller try again as well: five each would be minutes
    if scheme in BUCKETS:
        bucket = netloc.partition("@")[0]
        return _Bucket(fs=fs, path=f"{bucket}/{path}".rstrip("/"), before=f"{scheme}://{netloc}/")
    return Place(fs=fs, path=rest, before=f"{scheme}://")


def _made(kind: Any, options: dict[str, Any]) -> Any:
    """The file system with its connection; where fsspec keeps none for the next time, one for each thread."""
    if kind.cachable:
        return kind(**options)
    kept: dict[str, Any] = _here.__dict__.setdefault("kept", {})
    key = repr((kind, sorted(options.items())))
    if key not in kept:
        kept[key] = kind(**options)
    return kept[key]


def forget(url: str) -> None:
    """The next try connects anew: fsspec keeps a file system, and with it a connection that may be broken."""
    for part in url.split("::"):
        scheme = part.partition("://")[0]
        if scheme in SCHEMES:
            with suppress(NightdropError):
                _filesystem_class(scheme).clear_instance_cache()
    _here.__dict__.clear()


class _Bucket(Place):
    """A store whose paths begin with the bucket, which the URL has in place of a host."""

    def url(self, path: str) -> str:
        """The URL of a path: the bucket is in `before` already."""
        return f"{self.before}{path.lstrip('/').partition('/')[2]}"


def _filesystem_class(scheme: str) -> Any:
    try:
        if scheme in ("sftp", "ssh"):
            from sshfs import SSHFileSystem  # an optional extra

            return SSHFileSystem
        if scheme in ("gs", "gcs"):
            from gcsfs.core import GCSFileSystem  # an optional extra; the one that asks nothing over gRPC first

            return GCSFileSystem
        if scheme == "gdrive":
            from nightdrop.servers.gdrive import GoogleDrive  # its google-auth is an optional extra

            return GoogleDrive
        return fsspec.get_filesystem_class(_NAMES.get(scheme, scheme))
    except ImportError as error:
        raise ExtraMissing(f'{scheme}:// needs: pip install "nightdrop[{_EXTRAS.get(scheme, scheme)}]"') from error
    except ValueError as error:
        raise UsageError(f"{scheme}:// is no server that is known here") from error


def _host_options(scheme: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url.partition("?")[0])
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{scheme}://{parts.netloc}: {error}") from error
    options: dict[str, Any] = {"host": parts.hostname or ""}
    options |= {"port": port} if port else {}
    options |= {"username": parts.username} if parts.username else {}
    return options | (_SSH if scheme in ("sftp", "ssh") else {})


def _webdav(options: dict[str, Any]) -> dict[str, Any]:
    """webdav4 wants the server's address and a pair: HTTPS unless base_url says something else."""
    given = dict(options)
    host, port = given.pop("host"), given.pop("port", None)
    given.setdefault("base_url", f"https://{host}:{port}/" if port else f"https://{host}/")
    username, password = given.pop("username", None), given.pop("password", "")
    return given if username is None else given | {"auth": (username, password)}


def _archive(url: str, scheme: str, rest: str) -> Place:
    inner, chained, target = rest.partition("::")
    if not chained or not target:
        shape = f"{scheme}://PATH_INSIDE::ARCHIVE, such as {scheme}://*.pdf::s3://in/a.{scheme}"
        raise UsageError(f"{url}: write {shape}")
    return Place(fs=_opened(scheme, target), path=inner.strip("/"), before=f"{scheme}://", behind=f"::{target}")


def _opened(scheme: str, target: str) -> Any:
    """An archive, opened once a thread while it is as it was: a tar is read to its end to know what is in it."""
    kind = _filesystem_class(scheme)
    if target.startswith(("http://", "https://")):
        raise UsageError(
            f"{scheme}://...::{target}: name {target} itself, a zip is unpacked; what else it is, download"
        )
    if "://" not in target or target.startswith("file://"):
        path = target.removeprefix("file://")
        found = os.stat(path)
        fs, version = None, f"{found.st_size}-{found.st_mtime_ns}"
    else:
        place = place_of(target)
        fs, path, version = place.fs, place.path, version_of(place.info())
    kept: dict[str, Any] = _here.__dict__.setdefault("archive", {})
    key = f"{scheme} {target} {version}"
    if key not in kept:
        kept.clear()
        kept[key] = kind(fo=path if fs is None else fs.open(path, "rb"), skip_instance_cache=True)
    return kept[key]


def version_of(info: dict[str, Any]) -> str:
    """What tells that a file has changed: its etag or checksum, else size and time of change."""
    for name in ("ETag", "etag", "md5Hash", "CRC"):
        if info.get(name):
            return f"{str(info[name]).strip(chr(34))}-{info.get('size')}"
    modified = modified_ms(info)
    return f"{info.get('size')}-{modified}"


def modified_ms(info: dict[str, Any]) -> int | None:
    """When a file was last written, None when its listing does not say."""
    value = next((info[name] for name in _MODIFIED if info.get(name)), None)
    if isinstance(value, int | float):
        return int(value * 1000)
    if isinstance(value, tuple):
        value = datetime(*value)  # of an archive's member: no time zone
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, datetime):
        return None
    return clock.to_ms(value if value.tzinfo else value.replace(tzinfo=UTC))


def _parsed(text: str) -> datetime | None:
    if text[:14].isdigit():
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)  # FTP
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
