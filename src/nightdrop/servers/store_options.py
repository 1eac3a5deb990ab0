"""What clients of buckets and drives are told unless `sources.toml` says something else."""

from __future__ import annotations

from typing import Any

from nightdrop.servers import azure

_UNCACHED = frozenset({"s3", "s3a", "gs", "gcs"}) | azure.SCHEMES
_S3_CONFIG = {
    "retries": {"max_attempts": 2, "mode": "standard"},
    "connect_timeout": 20,
    "read_timeout": 60,
    "max_pool_connections": 32,  # botocore's ten would make some of the readers wait
}


def store_options(scheme: str, netloc: str) -> dict[str, Any]:
    """Options of the file system: its listings are never cached, and what is deleted can be had back where it may."""
    options: dict[str, Any] = {"use_listings_cache": False} if scheme in _UNCACHED else {}
    if scheme in azure.SCHEMES:
        options |= azure.account(netloc)
    if scheme in ("s3", "s3a"):
        options |= {"config_kwargs": _S3_CONFIG}
    if scheme == "onedrive":
        options |= {"use_recycle_bin": True}  # msgraphfs deletes for ever unless it is told this
    return options
