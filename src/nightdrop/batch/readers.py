"""Reading the bytes of a portion of documents, those on servers several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from nightdrop.intake.take import Listed, Taken, take_listed
from nightdrop.settings import load_settings

_MANY = 16  # URLs read at a time: one slow server must not hold up the others
_FEW = 4  # from FTP and IMAP: each is a connection of its own, and servers allow few
_WITH_FEW = ("ftp://", "imap://", "imaps://")


class Readers:
    """The threads of one batch. They stay until it is accepted, since clients keep a connection for each thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._threads: dict[int, ThreadPoolExecutor] = {}

    def take(self, portion: Sequence[Listed]) -> list[Taken]:
        """The documents with their bytes, or why they are refused, in their order. Blocks."""
        max_unpacked = load_settings().max_archive_bytes
        take = partial(take_listed, max_bytes=self._max_bytes, max_unpacked=max_unpacked)
        urls = [listed.file.url for listed in portion if listed.file.url]
        if not urls:
            return [taken for listed in portion for taken in take(listed)]
        count = _FEW if any(url.startswith(_WITH_FEW) for url in urls) else _MANY
        if count not in self._threads:
            self._threads[count] = ThreadPoolExecutor(count, thread_name_prefix="nightdrop-fetch")
        return [taken for several in self._threads[count].map(take, portion) for taken in several]

    def close(self) -> None:
        """Begin nothing more; what is being read ends by itself."""
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
