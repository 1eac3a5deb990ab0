"""Requests to addresses that somebody else gave: where they may go, and that they go exactly there."""

from nightdrop.outbound.allowed import AllowedHosts
from nightdrop.outbound.request import check_url, host_of, request

__all__ = ["AllowedHosts", "check_url", "host_of", "request"]
