"""Bringing a database to this version's schema: once, whichever process comes first."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from nightdrop.errors import SchemaOutdated

SCHEMA_VERSION = "0021"
"""The newest migration. A test compares it with Alembic's own head."""

_LOCK_KEY = 0x6E69676874  # one advisory lock for all of our migrations on Postgres


def schema_version(connection: sa.Connection) -> str | None:
    """The version this database is at, None when it has never been opened by nightdrop."""
    if not sa.inspect(connection).has_table("nightdrop_schema"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM nightdrop_schema")).scalar()
    return None if found is None else str(found)


def migrate(engine: sa.Engine) -> None:
    """Create or upgrade our tables. Takes the write lock first, so that two processes starting at once migrate once.

    Raises SchemaOutdated when the database was written by a newer version.
    """
    with engine.connect() as connection:
        if schema_version(connection) == SCHEMA_VERSION:
            return
    with engine.connect() as connection:
        _lock(connection)
        found = schema_version(connection)
        if found is not None and found > SCHEMA_VERSION:
            raise SchemaOutdated(
                f"the database is at schema {found}, this nightdrop knows {SCHEMA_VERSION}: "
                "run `pip install --upgrade nightdrop` here"
            )
        if found != SCHEMA_VERSION:
            _upgrade(connection)
        connection.commit()


def _lock(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def _upgrade(connection: sa.Connection) -> None:
    # Alembic costs 0.15 s to import and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
