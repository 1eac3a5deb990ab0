"""Sinks, and the outbox: one row for each sink and run, written by trigger in the transaction that ends the run."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

sinks = sa.Table(
    "nightdrop_sinks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("url", sa.Text, nullable=False),  # or env:NAME
    sa.Column("subject_id", sa.Text, nullable=True),  # only of this agent or workflow
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # in a row; 0: it answers
    sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),  # it is left alone until then
)

sink_deliveries = sa.Table(
    "nightdrop_sink_deliveries",
    metadata,
    sa.Column("sink_id", sa.String(36), primary_key=True),
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),  # grows with each change of the run's result
    sa.Column("state", sa.String(16), nullable=False),  # pending | delivered | dead
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text, nullable=True),
)

_pending = sink_deliveries.c.state == sa.literal_column("'pending'")
_dead = sink_deliveries.c.state == sa.literal_column("'dead'")

sa.Index(
    "nightdrop_sink_deliveries_due",
    sink_deliveries.c.sink_id,
    sink_deliveries.c.not_before,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
sa.Index(
    "nightdrop_sink_deliveries_dead",
    sink_deliveries.c.sink_id,
    sqlite_where=_dead,
    postgresql_where=_dead,
)
sa.Index("nightdrop_sink_deliveries_run", sink_deliveries.c.run_id)

_ENDED = "NEW.status IN ('COMPLETED', 'ERROR')"
_SOME = "EXISTS (SELECT 1 FROM nightdrop_sinks)"
_PUT = """INSERT INTO nightdrop_sink_deliveries (sink_id, run_id, version, state, attempts, not_before)
 SELECT s.id, NEW.run_id, 1, 'pending', 0, 0 FROM nightdrop_sinks s
 WHERE s.subject_id IS NULL OR s.subject_id = NEW.subject_id
 ON CONFLICT (sink_id, run_id) DO UPDATE SET version = nightdrop_sink_deliveries.version + 1, state = 'pending',
 attempts = 0, not_before = 0, error = NULL;"""
_DROP = "DELETE FROM nightdrop_sink_deliveries WHERE run_id = OLD.run_id AND state <> 'pending';"


def sink_statements(dialect: str) -> list[str]:
    """What makes the triggers of this database."""
    made, moved, gone = "AFTER INSERT ON", "AFTER UPDATE OF status, content ON", "AFTER DELETE ON"
    if dialect == "sqlite":
        changed = "(NEW.status <> OLD.status OR NEW.content IS NOT OLD.content)"
        head = "CREATE TRIGGER nightdrop_sink_run"
        return [
            f"{head}_made {made} nightdrop_runs\n WHEN {_ENDED} AND {_SOME}\n BEGIN {_PUT} END",
            f"{head}_moved {moved} nightdrop_runs\n WHEN {_ENDED}\n AND {changed} AND {_SOME}\n BEGIN {_PUT} END",
            f"{head}_gone {gone} nightdrop_runs\n BEGIN {_DROP} END",
        ]
    changed = "(NEW.status <> OLD.status OR NEW.content IS DISTINCT FROM OLD.content)"
    function = (
        "CREATE FUNCTION nightdrop_sink_{}() RETURNS trigger LANGUAGE plpgsql AS $$\n BEGIN {} RETURN NULL; END $$"
    )
    head, each = "CREATE TRIGGER nightdrop_sink_run", "nightdrop_runs FOR EACH ROW"
    return [
        function.format("put", f"IF {_SOME} THEN\n {_PUT} END IF;"),
        function.format("drop", _DROP),
        f"{head}_made {made} {each}\n WHEN ({_ENDED}) EXECUTE FUNCTION nightdrop_sink_put()",
        f"{head}_moved {moved} {each}\n WHEN ({_ENDED}\n AND {changed}) EXECUTE FUNCTION nightdrop_sink_put()",
        f"{head}_gone {gone} {each}\n EXECUTE FUNCTION nightdrop_sink_drop()",
    ]


def _make(_target: sa.MetaData, connection: sa.Connection, **_options: Any) -> None:
    for statement in sink_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


sa.event.listen(metadata, "after_create", _make)
