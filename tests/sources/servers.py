"""Starts the servers of `serve`, and tells a test how to reach each as a `Drop`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sources.drop import Drop, folder_drop
from tests.sources.serve import PASSWORD


@contextmanager
def running(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """A server of this kind over a folder; gives what it says of itself."""
    command = [sys.executable, "-m", "tests.sources.serve", kind, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield json.loads(line)
        finally:
            process.kill()


@contextmanager
def s3(folder: Path) -> Iterator[Drop]:
    """A bucket named drop."""
    with running("s3", folder) as server, bucket(server["port"]) as client:

        def write(name: str, content: bytes) -> None:
            client.put_object(Bucket="drop", Key=f"in/{name}", Body=content)

        def names() -> set[str]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="drop", Prefix="in/")
            return {item["Key"].removeprefix("in/") for page in pages for item in page.get("Contents", [])}

        options = {"key": "key", "secret": "env:DROP_PASSWORD", "endpoint_url": f"http://127.0.0.1:{server['port']}"}
        yield Drop(url="s3://drop/in", table="s3://drop", options=options, write=write, names=names)


@contextmanager
def bucket(port: int) -> Iterator[Any]:
    """A client of moto's S3 at this port, with the bucket made."""
    import boto3

    keys = {"aws_access_key_id": "key", "aws_secret_access_key": PASSWORD}
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **keys)
    client.create_bucket(Bucket="drop")
    try:
        yield client
    finally:
        client.close()


@contextmanager
def sftp(folder: Path) -> Iterator[Drop]:
    """A folder over SFTP; the host key is known from a file."""
    root = _root(folder)
    with running("sftp", root) as server:
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{server['port']} {server['host_key']}\n")
        options = {"password": "env:DROP_PASSWORD", "known_hosts": str(known)}
        yield _host("sftp", server["port"], options, root)


@contextmanager
def ftp(folder: Path) -> Iterator[Drop]:
    """A folder over FTP."""
    root = _root(folder)
    with running("ftp", root) as server:
        yield _host("ftp", server["port"], {"password": "env:DROP_PASSWORD"}, root)


@contextmanager
def webdav(folder: Path) -> Iterator[Drop]:
    """A folder over WebDAV, without TLS."""
    root = _root(folder)
    with running("webdav", root) as server:
        address = f"http://127.0.0.1:{server['port']}"
        yield _host("webdav", server["port"], {"password": "env:DROP_PASSWORD", "base_url": address}, root)


def _root(folder: Path) -> Path:
    (folder / "served" / "in").mkdir(parents=True)
    return folder / "served"


def _host(scheme: str, port: int, options: dict[str, Any], root: Path) -> Drop:
    place = f"127.0.0.1:{port}"
    return folder_drop(f"{scheme}://nightly@{place}/in", f"{scheme}://{place}", options, root / "in")


SERVERS = {"s3": s3, "sftp": sftp, "ftp": ftp, "webdav": webdav}
