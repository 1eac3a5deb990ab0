"""The documents of each run, in order. sha256 is NULL when no bytes could be read."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

run_files = sa.Table(
    "nightdrop_run_files",
    metadata,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=True, index=True),
    sa.Column("filename", sa.Text, nullable=True),
    sa.Column("mime_type", sa.Text, nullable=True),
    sa.Column("source", sa.Text, nullable=True),
)
