"""One HTTP request to an address that somebody gave: checked at every step, and sent to what was checked."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from nightdrop.errors import UrlRefused
from nightdrop.outbound.addresses import Address, literal, why_not_public
from nightdrop.outbound.allowed import AllowedHosts

MOST_REDIRECTS = 5
_MOST_ADDRESSES = 4  # of one host, tried in turn
_SCHEMES = ("http", "https")

Resolve = Callable[[str, int], list[str]]


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host as the system's resolver knows them, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """Where one request goes. addresses: those that were checked; None: the host is allowed by name."""

    url: httpx2.URL
    addresses: tuple[Address, ...] | None


def host_of(url: httpx2.URL) -> str:
    """The host as it is asked for: IDNA for names in other alphabets, without the brackets of an IPv6 address."""
    return url.raw_host.decode("ascii")


def check_url(url: str, allowed: AllowedHosts) -> httpx2.URL:
    """The URL as far as it can be told without asking anybody: scheme, host, no password, no address in disguise.

    Raises UrlRefused, also for an address that is written out and is neither public nor allowed.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise UrlRefused(f"{_shown(url)} is no URL: {error}") from error
    host = host_of(parsed)
    if parsed.scheme not in _SCHEMES or not host:
        raise UrlRefused(f"{_shown(url)} is not an http or https URL")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise UrlRefused(f"{parsed.port} is not a port")
    if parsed.userinfo and not allowed.has_name(host):
        raise UrlRefused(f"a URL with a user name in front of {host} is not followed")
    if not allowed.has_name(host):
        _written_address(parsed, allowed)
    return parsed


@contextmanager
def request(
    method: str,
    url: str,
    allowed: AllowedHosts,
    *,
    timeout: float,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    redirects: int = MOST_REDIRECTS,
    resolve: Resolve = resolve_host,
) -> Iterator[httpx2.Response]:
    """The answer to a request, its body not read yet. Blocks: call it on a thread.

    A host's name is resolved once and its addresses are checked; the connection goes to one of those, so that a
    second answer of a name server changes nothing. Each redirect is checked in the same way. timeout: seconds for a
    connection and for each piece. Raises UrlRefused, httpx2.HTTPError.
    """
    target = check_url(url, allowed)
    for left in range(redirects, -1, -1):
        hop = _checked(target, allowed, resolve)
        with _client(hop, timeout) as client:
            response = _send(client, method, hop, content, headers)
            try:
                following = _redirect(response, target) if redirects else None
                if following is None:
                    yield response
                    return
            finally:
                response.close()
        if not left:
            raise UrlRefused(f"{_shown(url)} leads through more than {redirects} redirects")
        target = check_url(following, allowed)


def _checked(url: httpx2.URL, allowed: AllowedHosts, resolve: Resolve) -> _Hop:
    host = host_of(url)
    if allowed.has_name(host):
        return _Hop(url=url, addresses=None)
    written = _written_address(url, allowed)
    if written is not None:
        return _Hop(url=url, addresses=(written,))
    try:
        found = [ipaddress.ip_address(text) for text in resolve(host, url.port or _default_port(url))]
    except (OSError, UnicodeError) as error:
        raise httpx2.ConnectError(f"{host} cannot be resolved: {error}") from error
    if not found:
        raise httpx2.ConnectError(f"{host} has no address")
    for address in found:
        _require_public(host, address, allowed)
    return _Hop(url=url, addresses=tuple(found[:_MOST_ADDRESSES]))


def _written_address(url: httpx2.URL, allowed: AllowedHosts) -> Address | None:
    try:
        address = literal(host_of(url))
    except ValueError as error:
        raise UrlRefused(str(error)) from None
    if address is not None:
        _require_public(host_of(url), address, allowed)
    return address


def _require_public(host: str, address: Address, allowed: AllowedHosts) -> None:
    reason = why_not_public(address)
    if reason is not None and not allowed.has_address(address):
        shown = str(address) if host == str(address) else f"{host} ({address})"
        raise UrlRefused(f"{shown} is not a public address ({reason}); NIGHTDROP_ALLOW_HOSTS allows hosts by name")


def _default_port(url: httpx2.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _client(hop: _Hop, timeout: float) -> httpx2.Client:
    """Proxies of the environment are used for hosts allowed by name only: a proxy would resolve the name again."""
    return httpx2.Client(
        timeout=timeout, verify=certificates(), trust_env=hop.addresses is None, follow_redirects=False
    )


@functools.cache
def certificates() -> ssl.SSLContext:
    """Reading the certificate authorities takes longer than a request: once per process."""
    return httpx2.create_ssl_context()


def _send(
    client: httpx2.Client, method: str, hop: _Hop, content: bytes | None, headers: Mapping[str, str] | None
) -> httpx2.Response:
    if hop.addresses is None:
        return client.send(client.build_request(method, hop.url, content=content, headers=headers), stream=True)
    failed: httpx2.TransportError | None = None
    for address in hop.addresses:
        # The connection goes to the address; the host's name stays in the Host header and in the TLS handshake,
        # where the certificate is checked against it.
        there = hop.url.copy_with(host=str(address))
        asked = client.build_request(
            method,
            there,
            content=content,
            headers={**(headers or {}), "Host": hop.url.netloc.decode("ascii")},
            extensions={"sni_hostname": host_of(hop.url)},
        )
        try:
            return client.send(asked, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            failed = error
    assert failed is not None
    raise failed


def _redirect(response: httpx2.Response, url: httpx2.URL) -> str | None:
    """Where an answer sends its reader, None when it is an answer."""
    if not response.has_redirect_location:
        return None
    try:
        return str(url.join(response.headers["Location"]))
    except httpx2.InvalidURL as error:
        raise UrlRefused(f"{url} redirects to what is no URL: {error}") from error


def _shown(url: str) -> str:
    """A URL for a message, without what may be secret in it."""
    return url.split("?", 1)[0].encode("utf-8", "backslashreplace").decode()[:200]
