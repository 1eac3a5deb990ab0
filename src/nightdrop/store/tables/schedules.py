"""Schedules: what is fired when. `next_fire_at` is moved by compare-and-set: who moves it fires."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

schedules = sa.Table(
    "nightdrop_schedules",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("method", sa.String(8), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("timeout_seconds", sa.Integer, nullable=False),
    sa.Column("max_retries", sa.Integer, nullable=False),
    sa.Column("retry_delay_seconds", sa.Integer, nullable=False),
    sa.Column("catch_up", sa.String(8), nullable=False),  # one | all | none
    sa.Column("overlap", sa.String(8), nullable=False),  # skip | queue | allow
    sa.Column("next_fire_at", sa.BigInteger, nullable=True, index=True),  # NULL: disabled
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)
