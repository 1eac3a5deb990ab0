"""Addresses: which are this machine's own, and listening on one."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from nightdrop.errors import UsageError

_BACKLOG = 1024
_MOST_PORT = 65_535


def is_loopback(name: str | None) -> bool:
    """Whether a host name or address is this machine's own."""
    if name is None:
        return False
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def listen(host: str, port: int, may_be_reached: Callable[[], bool] = lambda: False) -> socket.socket:
    """A socket that listens there; port 0: any free one. Raises UsageError when it cannot, or must not.

    may_be_reached: whether other machines may reach it, asked only when they could.
    """
    if not 0 <= port <= _MOST_PORT:
        raise UsageError(f"port {port}: give one from 0 to {_MOST_PORT}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UsageError(f"{host} is no address of this machine: {error}") from error
    family, _, _, _, address = found[0]
    if not is_loopback(str(address[0])) and not may_be_reached():
        raise UsageError(
            f"{host} can be reached from other machines, and there are no tokens: make one with "
            "`nightdrop tokens create --scope run`, or listen on 127.0.0.1"
        )
    try:
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def url_of(listening: socket.socket) -> str:
    """The address of a socket that listens, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
