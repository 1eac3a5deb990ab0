"""What sshfs has no call for, asked over its own connection. Coroutines for the loop of the file system."""

from __future__ import annotations

from typing import Any

ONE_REPLY = 32_000
"""Bytes that every SFTP server gives at once."""


def is_sftp(fs: Any) -> bool:
    """Whether a file system is sshfs's."""
    return hasattr(getattr(fs, "client", None), "start_sftp_client")


async def read_small(fs: Any, path: str, size: int) -> bytes:
    """A file of less than ONE_REPLY by opening, reading and closing it; a byte more than its size if it has grown."""
    from sshfs.utils import wrap_exceptions  # an optional extra

    async def read() -> bytes:
        async with fs._pool.get() as channel, channel.open(path, "rb", block_size=0) as stream:
            return bytes(await stream.read(size + 1))

    content: bytes = await wrap_exceptions(read)()
    return content


async def rename(fs: Any, path: str, target: str) -> None:
    """Give a file another path; an error where that is taken."""
    async with fs.client.start_sftp_client() as channel:
        await channel.rename(path, target)


async def replace(fs: Any, path: str, target: str) -> None:
    """Give a file a path that another one may have: in one step where the server knows POSIX rename, else in two."""
    from asyncssh import SFTPOpUnsupported  # an optional extra; it is what the client is made of

    async with fs.client.start_sftp_client() as channel:
        try:
            await channel.posix_rename(path, target)
        except SFTPOpUnsupported:
            await channel.remove(target)
            await channel.rename(path, target)
