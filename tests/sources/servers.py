"""Starts the servers of `serve`, and tells a test how to reach each as a `Drop`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sources.drive import Drive, Files
from tests.sources.drop import Drop, folder_drop
from tests.sources.serve import ACCOUNT, ACCOUNT_KEY, PASSWORD, azurite_found


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


@contextmanager
def azure(folder: Path, kind: str = "azure") -> Iterator[Drop]:
    """A container named drop; its secret is a connection string, which holds the key."""
    from azure.storage.blob import BlobServiceClient

    with running(kind, folder) as server:
        address = f"http://127.0.0.1:{server['port']}/{ACCOUNT}"
        facts = {"DefaultEndpointsProtocol": "http", "AccountName": ACCOUNT, "BlobEndpoint": address}
        facts["AccountKey"] = ACCOUNT_KEY
        connection = ";".join(f"{name}={value}" for name, value in facts.items())
        with BlobServiceClient.from_connection_string(connection) as client:
            container = client.create_container("drop")

            def write(name: str, content: bytes) -> None:
                container.upload_blob(f"in/{name}", content, overwrite=True)

            def names() -> set[str]:
                return {name.removeprefix("in/") for name in container.list_blob_names(name_starts_with="in/")}

            drop = Drop(
                url="abfs://drop/in",
                table="abfs://drop",
                options={"connection_string": "env:DROP_PASSWORD"},
                write=write,
                names=names,
            )
            drop.secret, drop.wrong = connection, connection.replace(ACCOUNT_KEY, "d3Jvbmctd29yZA==")
            yield drop


@contextmanager
def azurite(folder: Path) -> Iterator[Drop]:
    """The same at Microsoft's own emulator."""
    with azure(folder, "azurite") as made:
        yield made


@contextmanager
def gdrive(folder: Path) -> Iterator[Drop]:
    """A folder of an imitation of Google Drive in this process; its secret is the key of a service account."""
    with google_drive() as (files, address):
        yield drive_drop(files, address)


@contextmanager
def google_drive(**given: Any) -> Iterator[tuple[Files, str]]:
    """(what the drive holds, its address). given: attributes of the server."""
    files = Files()
    made = type("Made", (Drive,), {"files": files, "public_key": _keys()[1], "refusals": [], **given})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield files, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def drive_drop(files: Files, address: str) -> Drop:
    """The folder `in` of a drive."""

    def write(name: str, content: bytes) -> None:
        files.write(f"in/{name}", content)

    options = {"creds": "env:DROP_PASSWORD", "endpoint_url": address}
    drop = Drop(
        url="gdrive://in", table="gdrive://in", options=options, write=write, names=lambda: set(files.names("in"))
    )
    files.folder("in")
    account = {"type": "service_account", "client_email": "nightly@in.example.com", "token_uri": f"{address}/token"}
    drop.secret, drop.wrong = (json.dumps(account | {"private_key": key}) for key in (_keys()[0], _keys()[2]))
    return drop


@cache
def _keys() -> tuple[str, bytes, str]:
    """(the private key of an account, its public one, another private one)."""
    made = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    first, other = (key.private_bytes(pem, kind, serialization.NoEncryption()).decode() for key in made)
    public = made[0].public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return first, public, other


def _root(folder: Path) -> Path:
    (folder / "served" / "in").mkdir(parents=True)
    return folder / "served"


def _host(scheme: str, port: int, options: dict[str, Any], root: Path) -> Drop:
    place = f"127.0.0.1:{port}"
    return folder_drop(f"{scheme}://nightly@{place}/in", f"{scheme}://{place}", options, root / "in")


SERVERS = {"azure": azure, "ftp": ftp, "gdrive": gdrive, "s3": s3, "sftp": sftp, "webdav": webdav}
if azurite_found():
    SERVERS["azurite"] = azurite
