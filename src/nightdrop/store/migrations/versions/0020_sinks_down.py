"""Sinks that are down are left alone, and what a sink refused for good is found."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("nightdrop_sinks", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    op.add_column("nightdrop_sinks", sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"))
    dead = sa.text("state = 'dead'")
    name, table = "nightdrop_sink_deliveries_dead", "nightdrop_sink_deliveries"
    op.create_index(name, table, ["sink_id"], sqlite_where=dead, postgresql_where=dead)
