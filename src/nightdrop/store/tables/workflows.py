"""Shapes of workflows: a row for each revision that has been executed, so that every process can say how far a run is.

It is written by the process that starts the first run of a revision, and stays.
"""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

workflows = sa.Table(
    "nightdrop_workflows",
    metadata,
    sa.Column("workflow_id", sa.Text, primary_key=True),
    sa.Column("revision", sa.String(64), primary_key=True),
    sa.Column("shape", sa.Text, nullable=False),  # JSON: names, kinds, and what is below
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
