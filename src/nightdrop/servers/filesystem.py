"""The fsspec file system behind a URL: made with the options of `sources.toml`, its listings never cached."""

from __future__ import annotations

import itertools
import posixpath
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
from nightdrop.servers.credentials import options_for, refuse_password

BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"})
HOSTS = frozenset({"sftp", "ssh", "ftp", "smb", "webdav", "webdavs"})
ARCHIVES = frozenset({"zip", "tar"})
SCHEMES = BUCKETS | HOSTS | ARCHIVES | {"gdrive"}

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
}
_UNCACHED = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
_TIMEOUT_SECONDS = 60.0
_SLOWEST = 50_000  # bytes a second
_SSH = {  # asyncssh: the user's own known_hosts, since sshfs would ask for none; a dead line is noticed
    "known_hosts": (),
    "connect_timeout": 30,
    "login_timeout": 30,
    "keepalive_interval": 15,
    "timeout": 60,
}
_S3_CONFIG = {"retries": {"max_attempts": 2, "mode": "standard"}, "connect_timeout": 20, "read_timeout": 60}
_here = threading.local()
_PAGE = 1000
_MODIFIED = ("mtime", "LastModified", "last_modified", "updated", "modified", "modify", "date_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A URL taken apart: its file system, the path there, and how a path there is written as a URL again."""

    fs: Any
    path: str
    before: str
    behind: str = ""
    can_rename: bool = False

    def url(self, path: str) -> str:
        """The URL of a path of this file system."""
        return f"{self.before}{path.lstrip('/')}{self.behind}"

    def ask(self, what: str, *given: Any, size: int = 0, **options: Any) -> Any:
        """Call the file system. One that hangs ends as a timeout, given more time for so many bytes."""
        if getattr(self.fs, "async_impl", False):
            options["timeout"] = _TIMEOUT_SECONDS + size / _SLOWEST
        return getattr(self.fs, what)(*given, **options)

    def entries(self, folder: str) -> Iterator[dict[str, Any]]:
        """What lies in a folder, one page in memory at a time where the file system allows it, else sorted."""
        listed = getattr(self.fs, "_iterdir", None)
        if listed is not None and getattr(self.fs, "protocol", None) and "s3" in self.fs.protocol:
            yield from _paged(self.fs, folder)
            return
        if hasattr(self.fs, "invalidate_cache"):
            self.fs.invalidate_cache()
        yield from sorted(self.ask("ls", folder, detail=True), key=lambda info: str(info["name"]))

    def rename(self, target: str, *, of: str | None = None) -> None:
        """Give the file, or the one at another path, this path, in one step of the server's."""
        path = self.path if of is None else of
        client = getattr(self.fs, "client", None)
        if hasattr(client, "start_sftp_client"):  # sshfs deletes the file where the server knows no POSIX rename
            sync(self.fs.loop, _rename_by_sftp, client, path, target, timeout=_TIMEOUT_SECONDS)
        else:
            self.ask("mv", path, target)


async def _rename_by_sftp(client: Any, path: str, target: str) -> None:
    async with client.start_sftp_client() as channel:
        await channel.rename(path, target)


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
        return Place(fs=fs, path=f"{root}{path}", before=f"{scheme}://{netloc}/", can_rename=True)
    options = {"use_listings_cache": False} if scheme in _UNCACHED else {}
    options |= _account(netloc) if scheme in ("abfs", "abfss", "az") else {}
    options |= {"config_kwargs": _S3_CONFIG} if scheme in ("s3", "s3a") else {}
    fs = kind(**options | options_for(url))
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
        return fsspec.get_filesystem_class("webdav" if scheme == "webdavs" else scheme)
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


def _account(netloc: str) -> dict[str, Any]:
    account = netloc.partition("@")[2].partition(".")[0]
    return {"account_name": account} if account else {}


def _archive(url: str, scheme: str, rest: str) -> Place:
    inner, chained, target = rest.partition("::")
    if not chained or not target:
        shape = f"{scheme}://PATH_INSIDE::ARCHIVE, such as {scheme}://*.pdf::s3://in/a.{scheme}"
        raise UsageError(f"{url}: write {shape}")
    options: dict[str, Any] = {}
    if "://" in target and not target.startswith("file://"):
        place = place_of(target)
        options = {"fo": place.fs.open(place.path, "rb")}
    else:
        options = {"fo": target.removeprefix("file://")}
    fs = _filesystem_class(scheme)(**options, skip_instance_cache=True)
    return Place(fs=fs, path=inner.strip("/"), before=f"{scheme}://", behind=f"::{target}")


def _paged(fs: Any, folder: str) -> Iterator[dict[str, Any]]:
    """A folder of S3, a page at a time: a million keys are never held together."""
    bucket, _, key = folder.strip("/").partition("/")
    found = fs._iterdir(bucket, delimiter="/", prefix=f"{key}/" if key else "")

    async def page() -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = []
        while len(infos) < _PAGE and (info := await anext(found, None)) is not None:
            infos.append(info)
        return infos

    while infos := sync(fs.loop, page, timeout=_TIMEOUT_SECONDS):
        yield from infos


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


def magic_root(path: str) -> tuple[str, str]:
    """(folder, rest) of a path whose rest holds the first wildcard; the rest is empty when there is none."""
    parts = path.split("/")
    plain = list(itertools.takewhile(lambda part: not any(c in part for c in "*?["), parts))
    if len(plain) == len(parts):
        return path, ""
    return "/".join(plain), "/".join(parts[len(plain) :])


def remote_root(url: str) -> str:
    """The folder of a URL: what stands before its first wildcard, and before the name of a single file."""
    head, _, path = url.partition("://")
    netloc, _, inside = path.partition("/")
    folder, pattern = magic_root(inside)
    last = folder.rpartition("/")[2]
    if not pattern and "." in last.lstrip("."):  # a name with an ending is taken for a file
        folder = folder.rpartition("/")[0]
    return joined(f"{head}://{netloc}/", folder).rstrip("/") + "/"


def joined(folder: str, path: str) -> str:
    """A path below a folder's URL, or from its server's root where it begins with a slash; `..` goes up."""
    head, _, rest = folder.partition("://")
    netloc, _, inside = rest.partition("/")
    whole = posixpath.normpath(posixpath.join("/", inside, path)).lstrip("/")
    return f"{head}://{netloc}/{whole}"
