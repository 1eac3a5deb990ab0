"""The audit: one row per change asked for over HTTP, written before it is done and completed when it is answered."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

audit = sa.Table(
    "nightdrop_audit",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),  # the token's name, or who it was without tokens
    sa.Column("token_id", sa.String(36), nullable=True),
    sa.Column("address", sa.Text, nullable=True),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=True),  # NULL: not answered, the process died or it goes on
    sa.Column("place", sa.Text, nullable=True),  # of what was made
)
