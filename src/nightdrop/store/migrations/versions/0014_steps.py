"""Steps of workflow runs, and which step made a call."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table and the columns; calls made before them were of no step."""
    op.create_table(
        "nightdrop_steps",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=True),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("fields", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=True),
        sa.Column("detail", sa.Text, nullable=True),
        sa.Column("stop", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("error_code", sa.Text, nullable=True),
        sa.Column("error_message", sa.Text, nullable=True),
        sa.Column("error_retryable", sa.Boolean, nullable=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("completed_at", sa.BigInteger, nullable=False),
    )
    op.add_column("nightdrop_model_calls", sa.Column("step", sa.Text, nullable=True))
    op.add_column("nightdrop_model_calls", sa.Column("step_try", sa.Integer, nullable=False, server_default="1"))
