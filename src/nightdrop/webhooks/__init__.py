"""Webhooks sent: signed, retried, and never lost with the process that sends them."""

from nightdrop.webhooks.courier import Courier

__all__ = ["Courier"]
