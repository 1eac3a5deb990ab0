"""Indexes for the figures that operators look at every few seconds."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the indexes."""
    ended = sa.text("completed_at IS NOT NULL")
    _index("nightdrop_runs_ended", "nightdrop_runs", ["completed_at", "status", "subject_id"], ended)
    _index("nightdrop_runs_paused", "nightdrop_runs", ["subject_id"], sa.text("status = 'PAUSED'"))
    _index("nightdrop_dead_letters_open", "nightdrop_dead_letters", ["code"], sa.text("state = 'open'"))
    _index("nightdrop_webhook_deliveries_dead", "nightdrop_webhook_deliveries", ["id"], sa.text("state = 'dead'"))


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
