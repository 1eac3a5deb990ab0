"""Steps of workflow runs: one row per try of a step and per decision on the way, written when it has ended.

Together with run, attempt, path and number it is unique, so that a step that two processes did is recorded once.
`is_current` is true, or NULL where a retry from a step has set the row aside.
"""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

steps = sa.Table(
    "nightdrop_steps",
    metadata,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # which try, from 1
    sa.Column("position", sa.Integer, nullable=False),  # in the order of recording
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
