"""What the prompt cache saved on a call, and the service tier it was answered in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; calls made before them say nothing of either."""
    op.add_column("nightdrop_model_calls", sa.Column("saved_pico", sa.BigInteger, nullable=True))
    op.add_column("nightdrop_model_calls", sa.Column("tier", sa.Text, nullable=True))
