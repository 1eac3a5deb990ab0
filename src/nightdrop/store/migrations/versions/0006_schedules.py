"""Schedules, their runs, the files they have taken, and which process runs the scheduler."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables and the column."""
    _schedules()
    _schedule_runs()
    _schedule_files()
    op.add_column("nightdrop_executors", sa.Column("scheduler", sa.Boolean, nullable=False, server_default=sa.false()))


def _schedules() -> None:
    op.create_table(
        "nightdrop_schedules",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("timeout_seconds", sa.Integer, nullable=False),
        sa.Column("max_retries", sa.Integer, nullable=False),
        sa.Column("retry_delay_seconds", sa.Integer, nullable=False),
        sa.Column("catch_up", sa.String(8), nullable=False),
        sa.Column("overlap", sa.String(8), nullable=False),
        sa.Column("next_fire_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_nightdrop_schedules_next_fire_at", "nightdrop_schedules", ["next_fire_at"])


def _schedule_runs() -> None:
    op.create_table(
        "nightdrop_schedule_runs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("scheduled_for", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("triggered_at", sa.BigInteger, nullable=True),
        sa.Column("completed_at", sa.BigInteger, nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_code", sa.Integer, nullable=True),
        sa.Column("run_id", sa.String(36), nullable=True),
        sa.Column("batch_id", sa.String(36), nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("executor_id", sa.Text, nullable=True),
        sa.UniqueConstraint("schedule_id", "scheduled_for", "attempt", name="nightdrop_schedule_runs_occurrence"),
    )
    is_open = sa.text("status IN ('pending', 'running')")
    op.create_index(
        "nightdrop_schedule_runs_open",
        "nightdrop_schedule_runs",
        ["schedule_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _schedule_files() -> None:
    op.create_table(
        "nightdrop_schedule_files",
        sa.Column("schedule_id", sa.String(36), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("after", sa.Text, nullable=True),
    )
    waiting = sa.text('"after" IS NOT NULL')
    op.create_index(
        "nightdrop_schedule_files_after",
        "nightdrop_schedule_files",
        ["run_id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
