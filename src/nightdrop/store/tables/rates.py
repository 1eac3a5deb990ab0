"""Rates: what was learned of each limit, and which part of it each process has. Times are the database's clock."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

rates = sa.Table(
    "nightdrop_rates",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # provider:model@credential, a hash of key and address
    sa.Column("concurrency", sa.Float, nullable=False),  # calls at a time that all processes together came to
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

rate_shares = sa.Table(
    "nightdrop_rate_shares",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("demand", sa.Integer, nullable=False),  # calls under way and waiting
    sa.Column("places", sa.Integer, nullable=False),  # of a concurrency that the user gave, this process's part
    sa.Column("share_ppm", sa.Integer, nullable=False),  # of what is allowed per minute, in millionths
    sa.Column("width", sa.Float, nullable=False),  # calls at a time that it came to
    sa.Column("renewed_at", sa.BigInteger, nullable=False),
)
