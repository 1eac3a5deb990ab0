"""Listings: sources of batches that a service goes through, so that another process goes on when one dies."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

listings = sa.Table(
    "nightdrop_listings",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("executor_id", sa.Text, nullable=True),  # who goes through it
    sa.Column("call", sa.Text, nullable=False),  # JSON: how it was asked for
    sa.Column("error", sa.Text, nullable=True),  # why it ended early
)
