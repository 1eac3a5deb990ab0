"""Inserts that leave a row alone when it is there already, on either database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_ignore(connection: sa.Connection, table: sa.Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in the connection's dialect."""
    make = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    return make(table).on_conflict_do_nothing()
