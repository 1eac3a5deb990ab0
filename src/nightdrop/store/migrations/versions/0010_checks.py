"""What validators said of a result."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; results from before were not checked."""
    op.add_column("nightdrop_runs", sa.Column("checks", sa.Text, nullable=True))
