"""Fair order: how many documents of a batch are taken for each one of another."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_QUEUED = sa.text("status = 'PENDING' AND executor_id IS NULL")


def upgrade() -> None:
    """Add the columns; what is queued already goes first, as it came."""
    op.add_column("nightdrop_runs", sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("nightdrop_batches", sa.Column("priority", sa.Integer, nullable=False, server_default="10"))
    op.add_column("nightdrop_batches", sa.Column("weight", sa.Integer, nullable=False, server_default="1"))
    op.add_column("nightdrop_batches", sa.Column("next_rank", sa.BigInteger, nullable=False, server_default="0"))
    op.drop_index("nightdrop_runs_queued", "nightdrop_runs")
    op.create_index(
        "nightdrop_runs_queued",
        "nightdrop_runs",
        ["subject_id", "revision", "priority", "rank", "run_id"],
        sqlite_where=_QUEUED,
        postgresql_where=_QUEUED,
    )
