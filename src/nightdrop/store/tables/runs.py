"""Runs: one row per run, its result in the same row, so that status and content can never disagree.

A queued run is PENDING without executor_id; a dispatched one is PENDING with it. `is_current` is true or NULL,
so that the unique index lets a session have one current run and any number of older ones.
"""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

runs = sa.Table(
    "nightdrop_runs",
    metadata,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # agent | workflow
    sa.Column("subject_id", sa.Text, nullable=False),  # the agent's or workflow's id
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
    sa.Column("dispatches", sa.Integer, nullable=False, server_default="0"),  # of this attempt
    sa.Column("content", sa.Text, nullable=True),
    sa.Column("fields", sa.Text, nullable=True),
    sa.Column("error_code", sa.Text, nullable=True),
    sa.Column("error_message", sa.Text, nullable=True),
    sa.Column("error_retryable", sa.Boolean, nullable=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=True),
    sa.Column("completed_at", sa.BigInteger, nullable=True),
    sa.Column("pause", sa.Text, nullable=True),  # JSON: what a PAUSED run asks
    sa.Column("decisions", sa.Text, nullable=True),  # JSON list: what was asked and answered, oldest first
    sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),  # executors that died having it
    sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),  # children that died running it alone
    sa.Column("waits_for", sa.Text, nullable=True),  # the paused providers or the budget that put it back
    sa.Column("cached_from", sa.String(36), nullable=True),  # the run whose answer it was given, without any call
    sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),  # among those of its priority, lower first
    sa.Column("checks", sa.Text, nullable=True),  # JSON list: what each validator said of the content
)

_queued = sa.and_(runs.c.status == "PENDING", runs.c.executor_id.is_(None))
_waiting = sa.and_(runs.c.status == "PENDING", runs.c.waits_for.is_not(None))
_completed = runs.c.status == "COMPLETED"
_open = runs.c.status.in_(["PENDING", "RUNNING"])

sa.Index(
    "nightdrop_runs_session",
    runs.c.kind,
    runs.c.subject_id,
    runs.c.session_id,
    runs.c.is_current,
    unique=True,
)
sa.Index(
    "nightdrop_runs_queued",
    runs.c.subject_id,
    runs.c.revision,
    runs.c.priority,
    runs.c.rank,
    runs.c.run_id,
    sqlite_where=_queued,
    postgresql_where=_queued,
)
sa.Index(
    "nightdrop_runs_answers",
    runs.c.subject_id,
    runs.c.revision,
    runs.c.input_hash,
    sqlite_where=_completed,
    postgresql_where=_completed,
)
sa.Index(
    "nightdrop_runs_waiting",
    runs.c.waits_for,
    runs.c.not_before,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
_paused = runs.c.status == "PAUSED"
_ended = runs.c.completed_at.is_not(None)
sa.Index("nightdrop_runs_paused", runs.c.subject_id, sqlite_where=_paused, postgresql_where=_paused)
sa.Index(
    "nightdrop_runs_ended",
    runs.c.completed_at,
    runs.c.status,
    runs.c.subject_id,
    sqlite_where=_ended,
    postgresql_where=_ended,
)
sa.Index("nightdrop_runs_executor", runs.c.executor_id, sqlite_where=_open, postgresql_where=_open)
sa.Index("nightdrop_runs_batch", runs.c.batch_id)
