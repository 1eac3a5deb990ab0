"""Which source answers for a URL: one of ours, or one that a package brings through an entry point."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from nightdrop.errors import UsageError
from nightdrop.intake.held import MessageQueue
from nightdrop.intake.imap import SCHEMES as MAILBOXES
from nightdrop.intake.imap import Imap
from nightdrop.intake.redis_stream import RedisStream
from nightdrop.intake.remote import Remote
from nightdrop.intake.sqs import Sqs
from nightdrop.records.source import Queue, Source
from nightdrop.servers.schemes import SCHEMES

GROUP = "nightdrop.sources"

_REMOTE, _IMAP = Remote(), Imap()
_REDIS, _SQS = MessageQueue(RedisStream), MessageQueue(Sqs)
_QUEUES: dict[str, Queue] = {"redis": _REDIS, "rediss": _REDIS, "sqs": _SQS}


def source_of(url: str) -> Source | None:
    """The source of a URL's scheme; None for http and https, whose URL is the one document behind it.

    Raises UsageError for a scheme that nobody knows.
    """
    scheme = url.partition("://")[0].lower()
    if scheme in ("http", "https"):
        return None
    if scheme in MAILBOXES:
        return _IMAP
    if scheme in SCHEMES:
        return _REMOTE
    if scheme in _QUEUES:
        return _QUEUES[scheme]
    return _installed(scheme)


def queue_of(url: str) -> Queue | None:
    """The queue that a URL names, or whose message; None for every other source."""
    return _QUEUES.get(url.partition("://")[0].lower())


@cache
def _installed(scheme: str) -> Source:
    for found in entry_points(group=GROUP, name=scheme):
        try:
            made: Source = found.load()()
        except Exception as error:
            raise UsageError(
                f"{scheme}:// cannot be read: its source {found.value} does not load: {type(error).__name__}: {error}"
            ) from error
        return made
    raise UsageError(f"{scheme}:// is no source that is known here; an entry point in the group {GROUP} brings one")
