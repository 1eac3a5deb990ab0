"""Giving a file on a server another path, in one step of the server's where it has one, or copying it there."""

from __future__ import annotations

import ftplib
from collections.abc import Callable
from typing import Any

from fsspec.asyn import sync

from nightdrop.servers import azure, sftp

TIMEOUT_SECONDS = 60.0
_SLOWEST = 50_000  # bytes a second that a server copies

Ask = Callable[..., Any]


def copy(fs: Any, ask: Ask, path: str, target: str, size: int) -> None:
    """Copy a file on its server; at its end the copy is whole."""
    if azure.is_azure(fs):
        sync(fs.loop, azure.copy, fs, path, target, timeout=TIMEOUT_SECONDS + size / _SLOWEST)
    else:
        ask("cp_file", path, target, size=size)


def rename(fs: Any, ask: Ask, path: str, target: str) -> None:
    """Give a file a path that is free: servers refuse one that is taken, where they can."""
    if sftp.is_sftp(fs):  # sshfs deletes the file where the server knows no POSIX rename
        sync(fs.loop, sftp.rename, fs, path, target, timeout=TIMEOUT_SECONDS)
    else:
        ask("mv", path, target)


def replace(fs: Any, ask: Ask, path: str, target: str) -> None:
    """Give a file a path that another one may have, which is gone then.

    One step on SFTP with POSIX rename, WebDAV, and FTP as most servers have it; else two, and killed between them
    there is no file at the target.
    """
    if sftp.is_sftp(fs):
        sync(fs.loop, sftp.replace, fs, path, target, timeout=TIMEOUT_SECONDS)
        return
    if hasattr(getattr(fs, "client", None), "move"):  # webdav4
        fs.client.move(path, target, overwrite=True)
        return
    try:
        ask("mv", path, target)
    except (OSError, ftplib.Error):
        ask("rm_file", target)
        ask("mv", path, target)
