"""Submissions: what a key that a client made for one of them was answered with."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

submissions = sa.Table(
    "nightdrop_submissions",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),  # a token's id; empty without tokens
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),  # of what was handed in
    sa.Column("run_id", sa.String(36), nullable=True, index=True),
    sa.Column("batch_id", sa.String(36), nullable=True, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
