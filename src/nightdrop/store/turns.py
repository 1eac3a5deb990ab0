"""Taking turns: work of several processes that must not interleave, within their transactions.

SQLite has one writer at a time, so a write transaction is its own turn. Postgres has many.
"""

from __future__ import annotations

import sqlalchemy as sa


def take_turn(connection: sa.Connection, key: str) -> None:
    """Wait until no other transaction has the turn of this key; it ends with the transaction."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


TURNS = 5
"""How often an operation is run that each time meets another process's."""


def came_second(error: BaseException) -> bool:
    """`must_retry`, also for an error that wraps the driver's."""
    return must_retry(error) or (error.__cause__ is not None and must_retry(error.__cause__))


def must_retry(error: BaseException) -> bool:
    """Whether a transaction failed only because another one came first: the same again will see what that one did."""
    if isinstance(error, sa.exc.IntegrityError):
        return True
    code = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code in ("40001", "40P01")  # serialization failure, deadlock
