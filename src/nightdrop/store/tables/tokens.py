"""Tokens of the HTTP service: only a hash is kept, what was handed out cannot be read back."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

tokens = sa.Table(
    "nightdrop_tokens",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),  # separated by blanks
    sa.Column("requests_per_minute", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger, nullable=True),
)
