"""Reviews: what people are asked about single values, and what they decided."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "nightdrop_reviews",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("found", sa.Text, nullable=True),
        sa.Column("candidates", sa.Text, nullable=True),
        sa.Column("field_schema", sa.Text, nullable=False),
        sa.Column("risk", sa.Float, nullable=False),
        sa.Column("correction", sa.Text, nullable=True),
        sa.Column("reviewer", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=True),
    )
    op.create_index("nightdrop_reviews_run", "nightdrop_reviews", ["run_id"])
    op.create_index("nightdrop_reviews_open", "nightdrop_reviews", ["risk"], sqlite_where=_OPEN, postgresql_where=_OPEN)
