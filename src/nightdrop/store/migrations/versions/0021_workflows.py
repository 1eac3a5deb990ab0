"""The shapes of workflows."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "nightdrop_workflows",
        sa.Column("workflow_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.String(64), primary_key=True),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
