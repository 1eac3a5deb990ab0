"""Sources of batches that a service goes through."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "nightdrop_listings",
        sa.Column("batch_id", sa.String(36), primary_key=True),
        sa.Column("executor_id", sa.Text, nullable=True),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
    )
