"""Hosts and networks that may be reached although they are not public (NIGHTDROP_ALLOW_HOSTS)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from nightdrop.errors import UsageError
from nightdrop.outbound.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """names: hosts, or `*.` and a domain for all hosts below it. networks: where a host's addresses may lie."""

    names: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AllowedHosts:
        """From `files.intranet,*.corp.example,10.2.0.0/16,::1`, or `none`. Raises UsageError."""
        if text == "none":
            return cls()
        names: set[str] = set()
        networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
                continue
            except ValueError:
                pass
            rest = entry.removeprefix("*.")
            if not rest or not set(rest) <= _NAME or rest.rpartition(".")[2].isdecimal():
                raise UsageError(
                    f"NIGHTDROP_ALLOW_HOSTS: {entry!r} is no host name, *.domain, address or network; "
                    "ports and schemes are left out"
                )
            names.add(entry)
        return cls(names=frozenset(names), networks=tuple(networks))

    def with_name(self, host: str) -> AllowedHosts:
        """The same and this host."""
        return AllowedHosts(names=self.names | {host.lower().rstrip(".")}, networks=self.networks)

    def has_name(self, host: str) -> bool:
        """Whether a host is allowed by its name, whatever address it has."""
        host = host.lower().rstrip(".")
        parents = host.split(".")[1:]
        above = ("*." + ".".join(parents[at:]) for at in range(len(parents)))
        return host in self.names or any(entry in self.names for entry in above)

    def has_address(self, address: Address) -> bool:
        """Whether an address lies in an allowed network; an IPv4-mapped one counts as the IPv4 address in it."""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
