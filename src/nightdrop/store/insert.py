"""Inserts that leave a row alone when it is there already, on either database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_ignore(dialect: str, table: sa.Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in this dialect (`connection.dialect.name`)."""
    make = sqlite_insert if dialect == "sqlite" else postgres_insert
    return make(table).on_conflict_do_nothing()
