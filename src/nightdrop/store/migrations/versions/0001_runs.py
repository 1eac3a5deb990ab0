"""Documents, runs, batches, dead letters, executors."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "nightdrop_documents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    _create_runs()
    _create_batches()
    op.create_table(
        "nightdrop_dead_letters",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("retryable", sa.Boolean, nullable=False),
        sa.Column("raw_answer", sa.Text, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("assignee", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("run_id", "attempt", name="nightdrop_dead_letters_attempt"),
    )
    op.create_table(
        "nightdrop_executors",
        sa.Column("executor_id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("pid_namespace", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("pid_started", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger, nullable=False),
    )


def _run_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=True),
        sa.Column("input_hash", sa.String(64), nullable=False),
        sa.Column("batch_id", sa.String(36), nullable=True),
        sa.Column("schedule_run_id", sa.String(36), nullable=True),
        sa.Column("user_id", sa.Text, nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=True),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("executor_id", sa.Text, nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        sa.Column("dispatches", sa.Integer, nullable=False, server_default="0"),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("fields", sa.Text, nullable=True),
        sa.Column("error_code", sa.Text, nullable=True),
        sa.Column("error_message", sa.Text, nullable=True),
        sa.Column("error_retryable", sa.Boolean, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sa.Column("completed_at", sa.BigInteger, nullable=True),
    ]


def _create_runs() -> None:
    runs = op.create_table("nightdrop_runs", *_run_columns())
    queued = sa.and_(runs.c.status == "PENDING", runs.c.executor_id.is_(None))
    is_open = runs.c.status.in_(["PENDING", "RUNNING"])
    op.create_index(
        "nightdrop_runs_session",
        "nightdrop_runs",
        ["kind", "subject_id", "session_id", "is_current"],
        unique=True,
    )
    op.create_index(
        "nightdrop_runs_queued",
        "nightdrop_runs",
        ["subject_id", "revision", "priority", "run_id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
    op.create_index(
        "nightdrop_runs_executor", "nightdrop_runs", ["executor_id"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("nightdrop_runs_batch", "nightdrop_runs", ["batch_id"])
    op.create_table(
        "nightdrop_run_files",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("filename", sa.Text, nullable=True),
        sa.Column("mime_type", sa.Text, nullable=True),
        sa.Column("source", sa.Text, nullable=True),
    )
    op.create_index("ix_nightdrop_run_files_sha256", "nightdrop_run_files", ["sha256"])


def _create_batches() -> None:
    op.create_table(
        "nightdrop_batches",
        sa.Column("batch_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=True),
        sa.Column("source", sa.Text, nullable=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=True),
        sa.Column("cancelled_at", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_nightdrop_batches_fingerprint", "nightdrop_batches", ["fingerprint"])
    op.create_table(
        "nightdrop_batch_items",
        sa.Column("batch_id", sa.String(36), primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("disposition", sa.String(16), nullable=False),
    )
    op.create_index("nightdrop_batch_items_run", "nightdrop_batch_items", ["batch_id", "run_id"])
    op.create_index("nightdrop_batch_items_position", "nightdrop_batch_items", ["batch_id", "position"])
