"""Reviews: one row per value that a person is asked about, with what was decided."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

reviews = sa.Table(
    "nightdrop_reviews",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # doubt | sample
    sa.Column("path", sa.Text, nullable=False),  # "": the answer as a whole
    sa.Column("state", sa.String(16), nullable=False),  # open | accepted | corrected | rejected | withdrawn
    sa.Column("reasons", sa.Text, nullable=False),  # JSON list
    sa.Column("value", sa.Text, nullable=False),  # JSON: as read
    sa.Column("found", sa.Text, nullable=True),  # JSON: confidence and place
    sa.Column("candidates", sa.Text, nullable=True),  # JSON list: other values that may be meant
    sa.Column("field_schema", sa.Text, nullable=False),  # JSON: what a correction must fit
    sa.Column("risk", sa.Float, nullable=False),  # expected cost of an error
    sa.Column("correction", sa.Text, nullable=True),  # JSON: of a corrected one
    sa.Column("reviewer", sa.Text, nullable=True),
    sa.Column("note", sa.Text, nullable=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger, nullable=True),
)

_open = reviews.c.state == "open"

sa.Index("nightdrop_reviews_run", reviews.c.run_id)
sa.Index("nightdrop_reviews_open", reviews.c.risk, sqlite_where=_open, postgresql_where=_open)
