"""Messages of a Redis stream, taken by a consumer group: acknowledged when what they name has ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from nightdrop.errors import ExtraMissing, UsageError
from nightdrop.intake.held import HOLD_SECONDS, MOST, Held, Message
from nightdrop.intake.messages import names_nothing
from nightdrop.servers.credentials import options_for, refuse_password

_PAGE = 100
_TIMEOUT_SECONDS = 20.0


class RedisStream:
    """One stream and group, `redis://HOST:PORT/0?stream=NAME&group=NAME`; this process is a consumer of its own."""

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise ExtraMissing('redis:// needs: pip install "nightdrop[redis]"') from error
        refuse_password(url)
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if set(query) != {"stream", "group"} or not parts.hostname:
            raise UsageError(f"{url}: write it as redis://HOST:PORT/0?stream=NAME&group=NAME")
        self.url, self.name, self.group = url, query["stream"][0], query["group"][0]
        self.consumer = f"nightdrop-{uuid.uuid4().hex[:12]}"
        self.broken: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        options = {"username": unquote(parts.username) if parts.username else None, **options_for(url)}
        self.client: Any = redis.Redis(
            host=parts.hostname,
            port=parts.port or 6379,
            db=int(parts.path.strip("/") or 0),
            ssl=parts.scheme == "rediss",
            socket_timeout=_TIMEOUT_SECONDS,
            **options,
        )
        self.held = Held(self._renew)
        self._is_made = False

    def receive(self) -> None:
        """Take what nobody holds, and what is new."""
        self._make_group()
        start: Any = "0-0"
        while len(self.held.messages) < MOST:
            idle = HOLD_SECONDS * 1000
            claim = partial(self.client.xautoclaim, self.name, self.group, self.consumer, idle)
            start, entries, *_ = claim(start_id=start, count=_PAGE)
            for entry_id, fields in entries:
                self._hold(entry_id, fields, self._deliveries(entry_id))
            if start in (b"0-0", "0-0"):
                break
        while len(self.held.messages) < MOST:
            found = self.client.xreadgroup(self.group, self.consumer, {self.name: ">"}, count=_PAGE)
            entries = [entry for _, page in _pairs(found) for entry in page]
            for entry_id, fields in entries:
                self._hold(entry_id, fields, 1)
            if not entries:
                break

    def acknowledge(self, version: str, message: Message | None) -> None:
        """Acknowledge it, whoever holds it."""
        del message
        self.client.xack(self.name, self.group, version)

    def _hold(self, entry_id: bytes, fields: dict[bytes, bytes] | None, deliveries: int) -> None:
        receipt = entry_id.decode()
        message = Message(url=f"{self.url}#{receipt}", body=_body(fields or {}), receipt=receipt, deliveries=deliveries)
        if not fields or names_nothing(message.body):  # deleted from the stream, or nothing to do
            self.client.xack(self.name, self.group, entry_id)
        else:
            self.held.add(message)

    def _deliveries(self, entry_id: bytes) -> int:
        found = self.client.xpending_range(self.name, self.group, min=entry_id, max=entry_id, count=1)
        return int(found[0]["times_delivered"]) if found else 1

    def _make_group(self) -> None:
        import redis

        if self._is_made:
            return
        try:
            self.client.xgroup_create(self.name, self.group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._is_made = True

    def _renew(self, held: Sequence[Message]) -> Sequence[Message]:
        ids = [message.receipt for message in held]
        claimed = self.client.xclaim(self.name, self.group, self.consumer, 0, ids, justid=True)
        still = {one.decode() for one in claimed}
        return [message for message in held if message.receipt not in still]


def _body(fields: dict[bytes, bytes]) -> bytes:
    """The field `message`; else the fields are those of one document."""
    if b"message" in fields:
        return fields[b"message"]
    said = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    return json.dumps(said).encode()


def _pairs(found: Any) -> Any:
    return found.items() if isinstance(found, dict) else found or ()
