"""Documents' bytes in chunks, for databases that keep them inside (PostgresDb)."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

blob_chunks = sa.Table(
    "nightdrop_blob_chunks",
    metadata,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
