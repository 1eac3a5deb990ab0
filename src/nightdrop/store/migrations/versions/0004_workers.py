"""Deaths and crashes of runs, what a lease says of its process, documents' bytes in the database."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("deaths", "crashes"):
        op.add_column("nightdrop_runs", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    for column in (
        sa.Column("concurrency", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.String(16), nullable=False, server_default="working"),
        sa.Column("role", sa.String(16), nullable=False, server_default="process"),
        sa.Column("parent_pid", sa.Integer, nullable=True),
        sa.Column("parent_started", sa.Text, nullable=True),
    ):
        op.add_column("nightdrop_executors", column)
    op.create_table(
        "nightdrop_blob_chunks",
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
