"""Documents: bytes the blob store keeps, one row per sha256. The row is written after the bytes."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

documents = sa.Table(
    "nightdrop_documents",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mime_type", sa.Text, nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
