"""Submissions that a client may repeat under a key of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "nightdrop_submissions",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(36), nullable=True),
        sa.Column("batch_id", sa.String(36), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    for column in ("run_id", "batch_id"):
        op.create_index(f"ix_nightdrop_submissions_{column}", "nightdrop_submissions", [column])
