"""Webhooks: who is told of what, the batches whose end is still to be told, and every delivery."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

webhooks = sa.Table(
    "nightdrop_webhooks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("url", sa.Text, nullable=False, unique=True),
    sa.Column("events", sa.Text, nullable=False),  # their names with a comma before, between and behind
    sa.Column("secret", sa.Text, nullable=False),  # or env:NAME
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

webhook_batches = sa.Table(
    "nightdrop_webhook_batches",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),  # something of it has ended: is it the last?
)

webhook_deliveries = sa.Table(
    "nightdrop_webhook_deliveries",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),  # begins with the time, so that it sorts by creation
    sa.Column("webhook_id", sa.String(36), nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("about", sa.String(36), nullable=False, index=True),  # the run, batch or schedule run
    sa.Column("data", sa.Text, nullable=False),  # JSON: what is told, as it was then
    sa.Column("state", sa.String(16), nullable=False),  # pending | delivered | dead
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),  # of the next attempt
    sa.Column("status_code", sa.Integer, nullable=True),  # of the last answer
    sa.Column("error", sa.Text, nullable=True),  # of the last attempt
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("completed_at", sa.BigInteger, nullable=True),
)

_pending = webhook_deliveries.c.state == "pending"

sa.Index(
    "nightdrop_webhook_deliveries_due",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.not_before,
    sqlite_where=_pending,
    postgresql_where=_pending,
)

_dead = webhook_deliveries.c.state == "dead"

sa.Index("nightdrop_webhook_deliveries_dead", webhook_deliveries.c.id, sqlite_where=_dead, postgresql_where=_dead)
