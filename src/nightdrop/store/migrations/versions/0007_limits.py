"""Limits of providers: what was learned, each process's part, paused providers, and what a run waits for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables and the column."""
    op.create_table(
        "nightdrop_rates",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("concurrency", sa.Float, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "nightdrop_rate_shares",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("executor_id", sa.Text, primary_key=True),
        sa.Column("demand", sa.Integer, nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("share_ppm", sa.Integer, nullable=False),
        sa.Column("width", sa.Float, nullable=False),
        sa.Column("renewed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "nightdrop_providers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("probe_at", sa.BigInteger, nullable=True),
        sa.Column("probes", sa.Integer, nullable=False, server_default="0"),
    )
    op.add_column("nightdrop_runs", sa.Column("waits_for", sa.Text, nullable=True))
