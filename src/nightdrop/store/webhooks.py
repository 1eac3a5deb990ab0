"""Webhooks for a person: made, changed, deleted, and what became of their deliveries. What `db.webhooks` is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import DeliveryNotFound, UsageError, WebhookExists, WebhookNotFound
from nightdrop.ids import new_id
from nightdrop.outbound import AllowedHosts, check_url
from nightdrop.records.webhook import EVENTS, Delivery, DeliveryState, Webhook
from nightdrop.settings import load_settings
from nightdrop.store import deliveries as rows
from nightdrop.store.tables import webhooks

if TYPE_CHECKING:
    from nightdrop.store.database import Database


class Webhooks:
    """The webhooks of one database. Starts nothing: worker processes send what is due."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self) -> Sequence[Webhook]:
        """All of them, oldest first."""
        with self._db.read() as connection:
            return load_webhooks(connection)

    def get(self, webhook_id: str) -> Webhook:
        """One webhook. Raises WebhookNotFound."""
        for webhook in self.list():
            if webhook.id == webhook_id:
                return webhook
        raise WebhookNotFound(f"there is no webhook {webhook_id!r} in {self._db.label}")

    def create(self, webhook: Webhook) -> Webhook:
        """Tell this address from now on. Raises WebhookExists when it is told already, UrlRefused."""
        check_target(webhook)

        def commit(connection: sa.Connection) -> str:
            if _find(connection, webhook.url) is not None:
                raise WebhookExists(f"{webhook.url} is told already: delete that webhook first")
            return _insert(connection, webhook)

        return self.get(self._db.transact(commit))

    def register(self, given: Sequence[Webhook]) -> None:
        """Make or change the webhooks of these addresses, as a program says when it starts, on any number of hosts.

        Others stay as they are. Raises UrlRefused.
        """
        for webhook in given:
            check_target(webhook)

        def commit(connection: sa.Connection) -> None:
            for webhook in given:
                found = _find(connection, webhook.url)
                if found is None:
                    _insert(connection, webhook)
                elif any(found[name] != value for name, value in _values(webhook).items()):
                    changed = sa.update(webhooks).where(webhooks.c.id == found["id"])
                    connection.execute(changed.values(**_values(webhook), updated_at=clock.now_ms()))

        if given:
            self._db.transact(commit)

    def delete(self, webhook_id: str) -> None:
        """Tell this address no more; what is on its way there ends dead. Raises WebhookNotFound."""

        def commit(connection: sa.Connection) -> int:
            rows.give_up(connection, webhook_id, clock.now_ms())
            return connection.execute(sa.delete(webhooks).where(webhooks.c.id == webhook_id)).rowcount

        if self._db.transact(commit) != 1:
            raise WebhookNotFound(f"there is no webhook {webhook_id!r} in {self._db.label}")

    def deliveries(
        self,
        *,
        webhook_id: str | None = None,
        state: DeliveryState | str | None = None,
        event: str | None = None,
        about: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Delivery]:
        """Deliveries, newest first; `before` is the id the page starts after. about: the run, batch or schedule run.

        Raises UsageError for an unknown state or event.
        """
        named = None if state is None else _state(state)
        if event is not None and event not in EVENTS:
            raise UsageError(f"{event!r} is no event; there are {', '.join(EVENTS)}")
        with self._db.read() as connection:
            return rows.list_deliveries(
                connection,
                webhook_id=webhook_id,
                state=named,
                event=event,
                about=about,
                before=before,
                limit=limit,
            )

    def replay(self, deliveries: str | Sequence[str]) -> int:
        """Send these again, with all attempts before them; returns how many. Raises DeliveryNotFound.

        One that is on its way is left to it, and those of a deleted webhook stay dead.
        """
        ids = [deliveries] if isinstance(deliveries, str) else list(dict.fromkeys(deliveries))
        with self._db.read() as connection:
            known = rows.load_deliveries(connection, ids)
        for delivery_id in ids:
            if delivery_id not in known:
                raise DeliveryNotFound(f"there is no delivery {delivery_id!r} in {self._db.label}")
        return self._db.transact(lambda connection: rows.send_again(connection, ids))

    def replay_dead(self, webhook_id: str | None = None) -> int:
        """`replay` of every dead delivery, of one webhook or of all; returns how many."""
        return self._db.transact(lambda connection: rows.send_dead_again(connection, webhook_id))


def load_webhooks(connection: sa.Connection) -> list[Webhook]:
    """Every webhook with its secret, oldest first."""
    found = connection.execute(sa.select(webhooks).order_by(webhooks.c.id)).mappings()
    return [
        Webhook(
            id=row["id"],
            url=row["url"],
            events=row["events"].strip(",").split(","),
            secret=row["secret"],
            description=row["description"],
            created_at=clock.to_datetime(row["created_at"]),
            updated_at=clock.to_datetime(row["updated_at"]),
        )
        for row in found
    ]


def check_target(webhook: Webhook) -> None:
    """Raises UrlRefused for an address that is never told anything; one that is a name is checked when it is told."""
    check_url(webhook.url, AllowedHosts.parse(load_settings().allow_hosts))


def secret_of(webhook: Webhook) -> str:
    """What its requests are signed with. Raises UsageError when a variable that it names is not set here."""
    if not webhook.secret.startswith("env:"):
        return webhook.secret
    name = webhook.secret.removeprefix("env:")
    found = os.environ.get(name)
    if not found:
        raise UsageError(f"{name} is not set in this process: it is the secret of webhook {webhook.id}")
    return found


def _state(state: DeliveryState | str) -> str:
    try:
        return DeliveryState(state).value
    except ValueError:
        raise UsageError(f"{state!r}: choose {', '.join(DeliveryState)}") from None


def _find(connection: sa.Connection, url: str) -> sa.RowMapping | None:
    return connection.execute(sa.select(webhooks).where(webhooks.c.url == url)).mappings().first()


def _insert(connection: sa.Connection, webhook: Webhook) -> str:
    now_ms = clock.now_ms()
    webhook_id = new_id(now_ms)
    row = {"id": webhook_id, "url": webhook.url, **_values(webhook), "created_at": now_ms, "updated_at": now_ms}
    connection.execute(sa.insert(webhooks).values(row))
    return webhook_id


def _values(webhook: Webhook) -> dict[str, Any]:
    return {
        "events": f",{','.join(webhook.events)},",
        "secret": webhook.secret,
        "description": webhook.description,
    }
