"""Runs that wait for a person."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what a paused run asks, and what it was answered."""
    op.add_column("nightdrop_runs", sa.Column("pause", sa.Text, nullable=True))
    op.add_column("nightdrop_runs", sa.Column("decisions", sa.Text, nullable=True))
