"""Sinks, the outbox, and the triggers that write it in the transaction that ends a run.

The triggers as they were made then: they stand here in full, since what the code says of them may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_SQLITE = (
    """CREATE TRIGGER nightdrop_sink_run_made AFTER INSERT ON nightdrop_runs
 WHEN NEW.status IN ('COMPLETED', 'ERROR') AND EXISTS (SELECT 1 FROM nightdrop_sinks)
 BEGIN INSERT INTO nightdrop_sink_deliveries (sink_id, run_id, version, state, attempts, not_before)
 SELECT s.id, NEW.run_id, 1, 'pending', 0, 0 FROM nightdrop_sinks s
 WHERE s.subject_id IS NULL OR s.subject_id = NEW.subject_id
 ON CONFLICT (sink_id, run_id) DO UPDATE SET version = nightdrop_sink_deliveries.version + 1, state = 'pending',
 attempts = 0, not_before = 0, error = NULL; END""",
    """CREATE TRIGGER nightdrop_sink_run_moved AFTER UPDATE OF status, content ON nightdrop_runs
 WHEN NEW.status IN ('COMPLETED', 'ERROR')
 AND (NEW.status <> OLD.status OR NEW.content IS NOT OLD.content) AND EXISTS (SELECT 1 FROM nightdrop_sinks)
 BEGIN INSERT INTO nightdrop_sink_deliveries (sink_id, run_id, version, state, attempts, not_before)
 SELECT s.id, NEW.run_id, 1, 'pending', 0, 0 FROM nightdrop_sinks s
 WHERE s.subject_id IS NULL OR s.subject_id = NEW.subject_id
 ON CONFLICT (sink_id, run_id) DO UPDATE SET version = nightdrop_sink_deliveries.version + 1, state = 'pending',
 attempts = 0, not_before = 0, error = NULL; END""",
    """CREATE TRIGGER nightdrop_sink_run_gone AFTER DELETE ON nightdrop_runs
 BEGIN DELETE FROM nightdrop_sink_deliveries WHERE run_id = OLD.run_id AND state <> 'pending'; END""",
)
_POSTGRES = (
    """CREATE FUNCTION nightdrop_sink_put() RETURNS trigger LANGUAGE plpgsql AS $$
 BEGIN IF EXISTS (SELECT 1 FROM nightdrop_sinks) THEN
 INSERT INTO nightdrop_sink_deliveries (sink_id, run_id, version, state, attempts, not_before)
 SELECT s.id, NEW.run_id, 1, 'pending', 0, 0 FROM nightdrop_sinks s
 WHERE s.subject_id IS NULL OR s.subject_id = NEW.subject_id
 ON CONFLICT (sink_id, run_id) DO UPDATE SET version = nightdrop_sink_deliveries.version + 1, state = 'pending',
 attempts = 0, not_before = 0, error = NULL; END IF; RETURN NULL; END $$""",
    """CREATE FUNCTION nightdrop_sink_drop() RETURNS trigger LANGUAGE plpgsql AS $$
 BEGIN DELETE FROM nightdrop_sink_deliveries WHERE run_id = OLD.run_id AND state <> 'pending'; RETURN NULL; END $$""",
    """CREATE TRIGGER nightdrop_sink_run_made AFTER INSERT ON nightdrop_runs FOR EACH ROW
 WHEN (NEW.status IN ('COMPLETED', 'ERROR')) EXECUTE FUNCTION nightdrop_sink_put()""",
    """CREATE TRIGGER nightdrop_sink_run_moved AFTER UPDATE OF status, content ON nightdrop_runs FOR EACH ROW
 WHEN (NEW.status IN ('COMPLETED', 'ERROR')
 AND (NEW.status <> OLD.status OR NEW.content IS DISTINCT FROM OLD.content)) EXECUTE FUNCTION nightdrop_sink_put()""",
    """CREATE TRIGGER nightdrop_sink_run_gone AFTER DELETE ON nightdrop_runs FOR EACH ROW
 EXECUTE FUNCTION nightdrop_sink_drop()""",
)


def upgrade() -> None:
    """Add the tables and the triggers."""
    op.create_table(
        "nightdrop_sinks",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "nightdrop_sink_deliveries",
        sa.Column("sink_id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "nightdrop_sink_deliveries_due",
        "nightdrop_sink_deliveries",
        ["sink_id", "not_before"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index("nightdrop_sink_deliveries_run", "nightdrop_sink_deliveries", ["run_id"])
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement)
