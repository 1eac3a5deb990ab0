"""Which IP addresses anybody may be sent to: the public ones. What is not known to be public is refused."""

from __future__ import annotations

import ipaddress

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # how hosts without IPv4 reach IPv4: the address is in its last bits
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")  # carrier-grade NAT
_OTHERS = (  # refused whatever the Python at hand calls them
    ipaddress.IPv4Network("192.88.99.0/24"),  # the relays of 6to4, given up
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments
)
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def why_not_public(address: Address) -> str | None:
    """What keeps an address from being public, in a word or two; None when it is public."""
    if isinstance(address, ipaddress.IPv4Address):
        return _why_not_public_v4(address)
    if address.ipv4_mapped is not None:
        return _inside("IPv4-mapped", address.ipv4_mapped)
    if address in _NAT64:
        return _inside("NAT64", ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.sixtofour is not None:
        return "6to4"
    if address.teredo is not None:
        return "Teredo"
    if address not in _GLOBAL_UNICAST or not address.is_global:
        return "private or reserved"
    return None


def _inside(form: str, address: ipaddress.IPv4Address) -> str | None:
    reason = _why_not_public_v4(address)
    return None if reason is None else f"{form}, {reason}"


def _why_not_public_v4(address: ipaddress.IPv4Address) -> str | None:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address in _SHARED:
        return "carrier-grade NAT"
    if not address.is_global or address.is_reserved or any(address in network for network in _OTHERS):
        return "private or reserved"
    return None


def literal(host: str) -> Address | None:
    """The address that a host is written as, None for a name. Raises ValueError for what is neither.

    `127.1`, `2130706433`, `0x7f000001` and `0177.0.0.1` are no names: their last part is a number. A resolver takes
    them for addresses, and people do not see which.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if ":" in host or last.isdecimal() or last.startswith("0x"):
            raise ValueError(f"{host} is not an address as people write it: write it with four numbers") from None
        if not set(host.lower()) <= _NAME:
            raise ValueError(f"{host} is no host name") from None
        return None
