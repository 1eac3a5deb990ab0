"""Documents inside archives and mails: which file a schedule has taken them out of."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("nightdrop_schedule_files", sa.Column("container", sa.Text, nullable=True))
    op.create_index("nightdrop_schedule_files_container", "nightdrop_schedule_files", ["schedule_id", "container"])
