"""The ledger of model calls."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the ledger."""
    op.create_table(
        "nightdrop_model_calls",
        sa.Column("call_id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=True),
        sa.Column("outcome", sa.Text, nullable=True),
        sa.Column("input_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("output_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cache_read_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cost_pico", sa.BigInteger, nullable=True),
        sa.Column("cost_source", sa.Text, nullable=True),
        sa.Column("price_version", sa.Text, nullable=True),
        sa.Column("first_token_ms", sa.BigInteger, nullable=True),
        sa.Column("response", sa.Text, nullable=True),
    )
    op.create_index("nightdrop_model_calls_run", "nightdrop_model_calls", ["run_id", "attempt", "number"])
    op.create_index("nightdrop_model_calls_opened", "nightdrop_model_calls", ["opened_at"])
