"""URLs of files on servers taken apart and put together, without asking the server."""

from __future__ import annotations

import itertools
import posixpath


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
