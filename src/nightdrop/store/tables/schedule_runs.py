"""Schedule runs: one row per fire and per retry of it, and per occurrence that was skipped or missed."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

schedule_runs = sa.Table(
    "nightdrop_schedule_runs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("schedule_id", sa.String(36), nullable=False),
    sa.Column("scheduled_for", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("triggered_at", sa.BigInteger, nullable=True),  # NULL: never begun
    sa.Column("completed_at", sa.BigInteger, nullable=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("status_code", sa.Integer, nullable=True),
    sa.Column("run_id", sa.String(36), nullable=True),
    sa.Column("batch_id", sa.String(36), nullable=True),
    sa.Column("error", sa.Text, nullable=True),
    sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),  # a pending one waits for it
    sa.Column("executor_id", sa.Text, nullable=True),  # who lists its documents
    sa.UniqueConstraint("schedule_id", "scheduled_for", "attempt", name="nightdrop_schedule_runs_occurrence"),
)

_open = schedule_runs.c.status.in_(["pending", "running"])

sa.Index("nightdrop_schedule_runs_open", schedule_runs.c.schedule_id, sqlite_where=_open, postgresql_where=_open)
