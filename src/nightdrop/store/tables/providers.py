"""Providers that are paused: by what they answered, or by a person. No row: nothing is known against it."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

providers = sa.Table(
    "nightdrop_providers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # provider@credential
    sa.Column("code", sa.Text, nullable=False),  # of the error that paused it, or `paused` by a person
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("probe_at", sa.BigInteger, nullable=True),  # when one call may try it; NULL: only a person resumes it
    sa.Column("probes", sa.Integer, nullable=False, server_default="0"),  # that failed
)
