"""Dead letters: one row per attempt that ended in ERROR, written in the transaction that ends it."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

dead_letters = sa.Table(
    "nightdrop_dead_letters",
    metadata,
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

_is_open = dead_letters.c.state == "open"

sa.Index("nightdrop_dead_letters_open", dead_letters.c.code, sqlite_where=_is_open, postgresql_where=_is_open)
