"""A folder of a bucket listed a page at a time: a million keys are never held together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from fsspec.asyn import sync

from nightdrop.servers import azure

TIMEOUT_SECONDS = 60.0
_PAGE = 1000


def is_s3(fs: Any) -> bool:
    """Whether a file system is s3fs's."""
    return "s3" in (getattr(fs, "protocol", None) or ())


def of_bucket(fs: Any, folder: str) -> Iterator[dict[str, Any]] | None:
    """What lies in a folder, in the order of its server; None where its client has no pages."""
    if is_s3(fs):
        bucket, _, key = folder.strip("/").partition("/")
        return _paged(fs, fs._iterdir(bucket, delimiter="/", prefix=f"{key}/" if key else ""))
    return _paged(fs, azure.children(fs, folder)) if azure.is_azure(fs) else None


def _paged(fs: Any, found: AsyncIterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    async def page() -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = []
        while len(infos) < _PAGE and (info := await anext(found, None)) is not None:
            infos.append(info)
        return infos

    while infos := sync(fs.loop, page, timeout=TIMEOUT_SECONDS):
        yield from infos
