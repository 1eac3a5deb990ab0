"""Batches: one row per source handed in. Counts are never stored: they are counted from the items' runs."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

batches = sa.Table(
    "nightdrop_batches",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("revision", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=True, index=True),  # what makes the same command continue
    sa.Column("source", sa.Text, nullable=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=True),  # when the source was listed to its end
    sa.Column("cancelled_at", sa.BigInteger, nullable=True),
    sa.Column("budget_pico", sa.BigInteger, nullable=True),  # what its documents may cost; NULL: its agent says
    sa.Column("on_budget", sa.String(16), nullable=True),  # fail | wait; NULL: its agent says
    sa.Column("priority", sa.Integer, nullable=False, server_default="10"),  # lower goes first; single runs have 0
    sa.Column("weight", sa.Integer, nullable=False, server_default="1"),  # of its documents, for each one of weight 1
    sa.Column("next_rank", sa.BigInteger, nullable=False, server_default="0"),  # of what it takes in next
)
