"""The documents of each batch as its source named them, each with the run that answers it.

`disposition`: new (this batch made the run), known (an earlier result or open run serves), duplicate (the same
content stands in this batch already).
"""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

batch_items = sa.Table(
    "nightdrop_batch_items",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),  # size and mtime, so that a changed file is seen
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("disposition", sa.String(16), nullable=False),
)

sa.Index("nightdrop_batch_items_run", batch_items.c.batch_id, batch_items.c.run_id)
sa.Index("nightdrop_batch_items_of_run", batch_items.c.run_id)
sa.Index("nightdrop_batch_items_position", batch_items.c.batch_id, batch_items.c.position)
