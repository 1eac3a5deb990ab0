"""The ledger: one row per model call, opened before the request leaves, closed when it is known what it cost.

A row without closed_at was possibly billed: the process died, or the connection broke after the request was sent.
Money is in pico-dollars (1e-12 USD), so that sums in SQL are exact.
"""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

model_calls = sa.Table(
    "nightdrop_model_calls",
    metadata,
    sa.Column("call_id", sa.String(36), primary_key=True),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # of the attempt's calls, from 1
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("closed_at", sa.BigInteger, nullable=True),
    sa.Column("outcome", sa.Text, nullable=True),  # answered, or the code of the error
    sa.Column("input_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("output_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cache_read_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cache_write_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("reasoning_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cost_pico", sa.BigInteger, nullable=True),  # NULL: the price is unknown
    sa.Column("cost_source", sa.Text, nullable=True),  # provider | prices | override | unknown
    sa.Column("price_version", sa.Text, nullable=True),
    sa.Column("first_token_ms", sa.BigInteger, nullable=True),
    sa.Column("response", sa.Text, nullable=True),  # the answer as JSON: a recorded call is never made again
    sa.Column("saved_pico", sa.BigInteger, nullable=True),  # by the prompt cache, below 0 if it cost; NULL: unknown
    sa.Column("tier", sa.Text, nullable=True),  # the service tier as the provider named it; NULL: it named none
    sa.Column("reserved_pico", sa.BigInteger, nullable=True),  # what it might cost, said before; NULL: no budget
    sa.Column("step", sa.Text, nullable=True),  # path of the workflow's step that made it
    sa.Column("step_try", sa.Integer, nullable=False, server_default="1"),
)

sa.Index("nightdrop_model_calls_run", model_calls.c.run_id, model_calls.c.attempt, model_calls.c.number)
sa.Index("nightdrop_model_calls_opened", model_calls.c.opened_at)
