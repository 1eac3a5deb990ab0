"""Executors: every process that executes runs, with its lease. Times are the database's clock."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

executors = sa.Table(
    "nightdrop_executors",
    metadata,
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("pid_namespace", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("pid_started", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("registry", sa.Text, nullable=False),  # JSON: what it can execute
    sa.Column("lease_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("heartbeat_at", sa.BigInteger, nullable=False),
    sa.Column("concurrency", sa.Integer, nullable=False, server_default="0"),
    sa.Column("state", sa.String(16), nullable=False, server_default="working"),  # working | draining
    sa.Column("role", sa.String(16), nullable=False, server_default="process"),  # process | worker | quarantine
    sa.Column("parent_pid", sa.Integer, nullable=True),  # of a quarantine: the process that watches it
    sa.Column("parent_started", sa.Text, nullable=True),
    sa.Column("scheduler", sa.Boolean, nullable=False, server_default=sa.false()),  # it fires schedules
)
