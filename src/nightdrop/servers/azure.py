"""What adlfs does not do for Azure's blobs. Coroutines for the loop of the file system, but for `made`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from nightdrop.errors import UsageError

SCHEMES = frozenset({"abfs", "abfss", "az"})
_LOOK_SECONDS = 0.2


def made(kind: Any, options: dict[str, Any]) -> Any:
    """The file system. Raises UsageError when nothing says which account, or how it is signed in to."""
    try:
        fs = kind(**options)
    except ValueError as error:
        raise UsageError(f"Azure: {error} (docs/how-to/sources.md)") from error
    retries = fs.service_client._config.retry_policy
    retries.initial_backoff, retries.increment_base, retries.random_jitter_range = 0, 2, 0
    retries.total_retries = 1  # a minute of waiting as it comes, and the caller tries again as well
    return fs


def account(netloc: str) -> dict[str, str]:
    """The account that a URL names behind `@`: `name`, or `name.dfs.core.windows.net`, in another cloud by its host."""
    host = netloc.partition("@")[2]
    name, _, rest = host.partition(".")
    if not name:
        return {}
    return {"account_name": name} | ({"account_host": f"{name}.{rest.replace('dfs.', 'blob.', 1)}"} if rest else {})


def is_azure(fs: Any) -> bool:
    """Whether a file system is adlfs's."""
    return "abfs" in (getattr(fs, "protocol", None) or ())


async def children(fs: Any, folder: str) -> AsyncIterator[dict[str, Any]]:
    """What lies in a folder, as pages come: adlfs holds them all, with those of folders whose name begins alike.

    Raises FileNotFoundError for a container that is not there.
    """
    from azure.core.exceptions import ResourceNotFoundError  # an optional extra

    container, _, key = folder.strip("/").partition("/")
    client = fs.service_client.get_container_client(container)
    found = client.walk_blobs(name_starts_with=f"{key}/" if key else None, include=["metadata"])
    try:
        async for one in found:
            info = _info(container, one)
            if info is not None:
                yield info
    except ResourceNotFoundError as error:
        raise FileNotFoundError(f"there is no container {container}") from error


def _info(container: str, one: Any) -> dict[str, Any] | None:
    """A blob or folder as fsspec says it; None for the empty blob that stands for a folder."""
    name = f"{container}/{one.name}"
    if not one.has_key("size"):
        return {"name": name.rstrip("/"), "type": "directory", "size": None}
    if name.endswith("/") or "true" in (str((one.metadata or {}).get(key)) for key in ("hdi_isfolder", "is_directory")):
        return None
    return {
        "name": name,
        "type": "file",
        "size": one.size,
        "etag": one.etag,
        "last_modified": one.last_modified,
    }


async def copy(fs: Any, path: str, target: str) -> None:
    """Copy a blob and wait for the end: Azure may go on after its answer, and needs the original until then.

    Raises FileNotFoundError, and OSError for a copy that failed.
    """
    await fs._cp_file(path, target)
    container, _, key = target.lstrip("/").partition("/")
    async with fs.service_client.get_blob_client(container, key) as blob:
        while (status := (await blob.get_blob_properties()).copy.status) == "pending":
            await asyncio.sleep(_LOOK_SECONDS)
    if status not in (None, "success"):
        raise OSError(f"{path} could not be copied to {target}: {status}")
