"""Real servers on loopback, each in a process of its own: `python -m tests.sources.serve KIND FOLDER`.

Prints one line of JSON with its port, and ends when its stdin is closed. The user is `nightly`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

PASSWORD = "s3cret-word"
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""What Azurite's manual says; the imitation takes them as well."""


def ready(port: int, **facts: Any) -> None:
    """Tell the test where it is, and go on until the test is over."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    print(json.dumps({"port": port, **facts}), flush=True)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def s3(folder: Path) -> None:
    """moto's S3 and SQS; what it is asked is recorded in the folder, once somebody asks for that."""
    os.environ["MOTO_RECORDER_FILEPATH"] = str(folder / "asked")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    ready(server.get_host_and_port()[1])
    threading.Event().wait()


def sftp(folder: Path) -> None:
    """An SSH server that knows only SFTP: no shell, as drop servers have it."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("nightly", PASSWORD)

    def chrooted(channel: Any) -> Any:
        return asyncssh.SFTPServer(channel, chroot=str(folder))

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], server_factory=Login, sftp_factory=chrooted
        )
        ready(server.get_port(), host_key=key.export_public_key().decode().strip())
        await asyncio.Event().wait()

    asyncio.run(serve())


def ftp(folder: Path) -> None:
    """pyftpdlib."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it stands on asyncore
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.servers import FTPServer
    users = DummyAuthorizer()
    users.add_user("nightly", PASSWORD, str(folder), perm="elradfmwMT")
    handler = type("Handler", (FTPHandler,), {"authorizer": users})
    server = FTPServer(("127.0.0.1", 0), handler)
    ready(server.socket.getsockname()[1])
    server.serve_forever()


def webdav(folder: Path) -> None:
    """WsgiDAV behind cheroot."""
    from cheroot.wsgi import Server
    from wsgidav.wsgidav_app import WsgiDAVApp

    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": {"nightly": {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "verbose": 0,
            "logging": {"enable": False},
        }
    )
    server = Server(("127.0.0.1", 0), app)
    server.prepare()
    ready(server.bind_addr[1])
    server.serve()


def google(_folder: Path) -> None:
    """An emulator of Google Cloud Storage with a bucket named drop."""
    from gcp_storage_emulator.server import create_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    create_server("127.0.0.1", port, in_memory=True, default_bucket="drop").start()
    ready(port)
    threading.Event().wait()


def azurite(_folder: Path) -> None:
    """Microsoft's emulator of Azure's blobs, where `azurite_found` says it is: this process becomes it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = os.getpid()
    if os.fork() == 0:
        while os.getppid() == server:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    print(json.dumps({"port": port}), flush=True)
                    break
            time.sleep(0.05)
        os._exit(0)
    ends = "process.stdin.resume().on('end', () => process.exit()); require(process.argv[1])"
    program = os.path.realpath(azurite_found() or "")
    options = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    os.dup2(2, 1)  # the line on stdout is the port
    os.execvp("node", ["node", "-e", ends, program, "--blobPort", str(port), *options])


def azurite_found() -> str | None:
    """The program `azurite-blob`: NIGHTDROP_TEST_AZURITE names it, else it is on the PATH."""
    return os.environ.get("NIGHTDROP_TEST_AZURITE") or shutil.which("azurite-blob")


def azure(_folder: Path) -> None:
    """An imitation of Azure's blobs, for where there is no Azurite."""
    from tests.sources.blobs import serve

    serve(ready, ACCOUNT, ACCOUNT_KEY)


KINDS = {
    "azure": azure,
    "azurite": azurite,
    "ftp": ftp,
    "google": google,
    "s3": s3,
    "sftp": sftp,
    "webdav": webdav,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]))
