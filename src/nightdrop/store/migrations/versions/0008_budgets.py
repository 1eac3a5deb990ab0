"""Budgets: what a call reserves, what a batch may cost; and where an answer of the cache came from."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_COMPLETED = sa.text("status = 'COMPLETED'")
_WAITING = sa.text("status = 'PENDING' AND waits_for IS NOT NULL")


def upgrade() -> None:
    """Add the columns and indexes; calls made before them reserved nothing."""
    op.add_column("nightdrop_model_calls", sa.Column("reserved_pico", sa.BigInteger, nullable=True))
    op.add_column("nightdrop_batches", sa.Column("budget_pico", sa.BigInteger, nullable=True))
    op.add_column("nightdrop_batches", sa.Column("on_budget", sa.String(16), nullable=True))
    op.add_column("nightdrop_runs", sa.Column("cached_from", sa.String(36), nullable=True))
    op.create_index("nightdrop_batch_items_of_run", "nightdrop_batch_items", ["run_id"])
    op.create_index(
        "nightdrop_runs_waiting",
        "nightdrop_runs",
        ["waits_for", "not_before"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "nightdrop_runs_answers",
        "nightdrop_runs",
        ["subject_id", "revision", "input_hash"],
        sqlite_where=_COMPLETED,
        postgresql_where=_COMPLETED,
    )
