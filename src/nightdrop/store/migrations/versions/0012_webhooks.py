"""Webhooks, their deliveries, and the triggers that write these with every end.

The triggers as they were made then: they stand here in full, since what the code says of them may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_SQLITE = (
    """CREATE TRIGGER nightdrop_tell_run_made AFTER INSERT ON nightdrop_runs WHEN NEW.status NOT IN ('PENDING',
 'RUNNING') AND EXISTS (SELECT 1 FROM nightdrop_webhooks) BEGIN INSERT INTO nightdrop_webhook_deliveries
 (id, webhook_id, event, about, data, state, created_at)
 SELECT printf('%012x', told.at) || lower(hex(randomblob(10))), w.id, told.event, NEW.run_id,
 json_object('run_id', NEW.run_id,
 'agent_id', CASE NEW.kind WHEN 'agent' THEN NEW.subject_id END,
 'workflow_id', CASE NEW.kind WHEN 'workflow' THEN NEW.subject_id END,
 'session_id', NEW.session_id, 'batch_id', NEW.batch_id, 'schedule_run_id', NEW.schedule_run_id,
 'status', NEW.status, 'attempt', NEW.attempt, 'error', CASE NEW.status WHEN 'ERROR' THEN NEW.error_code
 END), 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'run.' || lower(NEW.status) AS event,
 COALESCE(NEW.completed_at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS at) AS told
 WHERE instr(w.events, ',' || told.event || ',') > 0; END""",
    """CREATE TRIGGER nightdrop_tell_run AFTER UPDATE OF status ON nightdrop_runs WHEN NEW.status NOT IN
 ('PENDING', 'RUNNING') AND NEW.status <> OLD.status AND EXISTS (SELECT 1 FROM nightdrop_webhooks) BEGIN
 INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about, data, state, created_at)
 SELECT printf('%012x', told.at) || lower(hex(randomblob(10))), w.id, told.event, NEW.run_id,
 json_object('run_id', NEW.run_id,
 'agent_id', CASE NEW.kind WHEN 'agent' THEN NEW.subject_id END,
 'workflow_id', CASE NEW.kind WHEN 'workflow' THEN NEW.subject_id END,
 'session_id', NEW.session_id, 'batch_id', NEW.batch_id, 'schedule_run_id', NEW.schedule_run_id,
 'status', NEW.status, 'attempt', NEW.attempt, 'error', CASE NEW.status WHEN 'ERROR' THEN NEW.error_code
 END), 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'run.' || lower(NEW.status) AS event,
 COALESCE(NEW.completed_at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS at) AS told
 WHERE instr(w.events, ',' || told.event || ',') > 0; INSERT INTO nightdrop_webhook_batches (batch_id)
 SELECT DISTINCT i.batch_id FROM nightdrop_batch_items i WHERE i.run_id = NEW.run_id AND NOT EXISTS (SELECT
 1 FROM nightdrop_webhook_batches b WHERE b.batch_id = i.batch_id); END""",
    """CREATE TRIGGER nightdrop_tell_schedule_made AFTER INSERT ON nightdrop_schedule_runs WHEN NEW.status NOT IN
 ('pending', 'running') AND EXISTS (SELECT 1 FROM nightdrop_webhooks) BEGIN INSERT INTO
 nightdrop_webhook_deliveries (id, webhook_id, event, about, data, state, created_at)
 SELECT printf('%012x', told.at) || lower(hex(randomblob(10))), w.id, told.event, NEW.id,
 json_object('schedule_run_id', NEW.id, 'schedule_id', NEW.schedule_id, 'scheduled_for', NEW.scheduled_for,
 'attempt', NEW.attempt, 'status', NEW.status, 'status_code', NEW.status_code,
 'run_id', NEW.run_id, 'batch_id', NEW.batch_id), 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'schedule.' || NEW.status AS event,
 COALESCE(NEW.completed_at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS at) AS told
 WHERE instr(w.events, ',' || told.event || ',') > 0; END""",
    """CREATE TRIGGER nightdrop_tell_schedule AFTER UPDATE OF status ON nightdrop_schedule_runs WHEN NEW.status
 NOT IN ('pending', 'running') AND NEW.status <> OLD.status AND EXISTS (SELECT 1 FROM nightdrop_webhooks)
 BEGIN INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about, data, state, created_at)
 SELECT printf('%012x', told.at) || lower(hex(randomblob(10))), w.id, told.event, NEW.id,
 json_object('schedule_run_id', NEW.id, 'schedule_id', NEW.schedule_id, 'scheduled_for', NEW.scheduled_for,
 'attempt', NEW.attempt, 'status', NEW.status, 'status_code', NEW.status_code,
 'run_id', NEW.run_id, 'batch_id', NEW.batch_id), 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'schedule.' || NEW.status AS event,
 COALESCE(NEW.completed_at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS at) AS told
 WHERE instr(w.events, ',' || told.event || ',') > 0; END""",
    """CREATE TRIGGER nightdrop_tell_letter AFTER INSERT ON nightdrop_dead_letters WHEN 1 AND EXISTS (SELECT 1
 FROM nightdrop_webhooks) BEGIN INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about,
 data, state, created_at)
 SELECT printf('%012x', told.at) || lower(hex(randomblob(10))), w.id, told.event, NEW.run_id,
 json_object('dead_letter_id', NEW.id, 'run_id', NEW.run_id, 'attempt', NEW.attempt, 'code', NEW.code),
 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'dead_letter.created' AS event, COALESCE(NEW.created_at,
 CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS at) AS told WHERE instr(w.events, ',' ||
 told.event || ',') > 0; END""",
    """CREATE TRIGGER nightdrop_tell_batch AFTER UPDATE OF accepted_at, cancelled_at ON nightdrop_batches WHEN 1
 AND EXISTS (SELECT 1 FROM nightdrop_webhooks) BEGIN INSERT INTO nightdrop_webhook_batches (batch_id)
 SELECT NEW.batch_id WHERE NOT EXISTS (SELECT 1 FROM nightdrop_webhook_batches b WHERE b.batch_id =
 NEW.batch_id); END""",
)

_POSTGRES = (
    """CREATE FUNCTION nightdrop_tell_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM
 nightdrop_webhooks) THEN INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about, data,
 state, created_at)
 SELECT lpad(to_hex(told.at), 12, '0') || left(replace(gen_random_uuid()::text, '-', ''), 20), w.id,
 told.event, NEW.run_id, json_build_object('run_id', NEW.run_id,
 'agent_id', CASE NEW.kind WHEN 'agent' THEN NEW.subject_id END,
 'workflow_id', CASE NEW.kind WHEN 'workflow' THEN NEW.subject_id END,
 'session_id', NEW.session_id, 'batch_id', NEW.batch_id, 'schedule_run_id', NEW.schedule_run_id,
 'status', NEW.status, 'attempt', NEW.attempt, 'error', CASE NEW.status WHEN 'ERROR' THEN NEW.error_code
 END)::text, 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'run.' || lower(NEW.status) AS event,
 COALESCE(NEW.completed_at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at) AS told WHERE
 strpos(w.events, ',' || told.event || ',') > 0; INSERT INTO nightdrop_webhook_batches (batch_id)
 SELECT DISTINCT i.batch_id FROM nightdrop_batch_items i WHERE i.run_id = NEW.run_id ON CONFLICT DO
 NOTHING; END IF; RETURN NULL; END $$""",
    """CREATE FUNCTION nightdrop_tell_schedule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1
 FROM nightdrop_webhooks) THEN INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about,
 data, state, created_at)
 SELECT lpad(to_hex(told.at), 12, '0') || left(replace(gen_random_uuid()::text, '-', ''), 20), w.id,
 told.event, NEW.id, json_build_object('schedule_run_id', NEW.id, 'schedule_id', NEW.schedule_id,
 'scheduled_for', NEW.scheduled_for,
 'attempt', NEW.attempt, 'status', NEW.status, 'status_code', NEW.status_code,
 'run_id', NEW.run_id, 'batch_id', NEW.batch_id)::text, 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'schedule.' || NEW.status AS event,
 COALESCE(NEW.completed_at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at) AS told WHERE
 strpos(w.events, ',' || told.event || ',') > 0; END IF; RETURN NULL; END $$""",
    """CREATE FUNCTION nightdrop_tell_letter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1
 FROM nightdrop_webhooks) THEN INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about,
 data, state, created_at)
 SELECT lpad(to_hex(told.at), 12, '0') || left(replace(gen_random_uuid()::text, '-', ''), 20), w.id,
 told.event, NEW.run_id, json_build_object('dead_letter_id', NEW.id, 'run_id', NEW.run_id, 'attempt',
 NEW.attempt, 'code', NEW.code)::text, 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN (SELECT 'dead_letter.created' AS event, COALESCE(NEW.created_at,
 (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at) AS told WHERE strpos(w.events, ',' ||
 told.event || ',') > 0; END IF; RETURN NULL; END $$""",
    """CREATE FUNCTION nightdrop_tell_batch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1
 FROM nightdrop_webhooks) THEN INSERT INTO nightdrop_webhook_batches (batch_id) SELECT NEW.batch_id ON
 CONFLICT DO NOTHING; END IF; RETURN NULL; END $$""",
    """CREATE TRIGGER nightdrop_tell_run_made AFTER INSERT ON nightdrop_runs FOR EACH ROW WHEN (NEW.status NOT IN
 ('PENDING', 'RUNNING')) EXECUTE FUNCTION nightdrop_tell_run()""",
    """CREATE TRIGGER nightdrop_tell_run AFTER UPDATE OF status ON nightdrop_runs FOR EACH ROW WHEN (NEW.status
 NOT IN ('PENDING', 'RUNNING') AND NEW.status <> OLD.status) EXECUTE FUNCTION nightdrop_tell_run()""",
    """CREATE TRIGGER nightdrop_tell_schedule_made AFTER INSERT ON nightdrop_schedule_runs FOR EACH ROW WHEN
 (NEW.status NOT IN ('pending', 'running')) EXECUTE FUNCTION nightdrop_tell_schedule()""",
    """CREATE TRIGGER nightdrop_tell_schedule AFTER UPDATE OF status ON nightdrop_schedule_runs FOR EACH ROW WHEN
 (NEW.status NOT IN ('pending', 'running') AND NEW.status <> OLD.status) EXECUTE FUNCTION
 nightdrop_tell_schedule()""",
    """CREATE TRIGGER nightdrop_tell_letter AFTER INSERT ON nightdrop_dead_letters FOR EACH ROW EXECUTE FUNCTION
 nightdrop_tell_letter()""",
    """CREATE TRIGGER nightdrop_tell_batch AFTER UPDATE OF accepted_at, cancelled_at ON nightdrop_batches FOR EACH
 ROW EXECUTE FUNCTION nightdrop_tell_batch()""",
)


def upgrade() -> None:
    """Add the tables and the triggers."""
    op.create_table(
        "nightdrop_webhooks",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("url", sa.Text, nullable=False, unique=True),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table("nightdrop_webhook_batches", sa.Column("batch_id", sa.String(36), primary_key=True))
    op.create_table(
        "nightdrop_webhook_deliveries",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("webhook_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("about", sa.String(36), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("status_code", sa.Integer, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("completed_at", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_nightdrop_webhook_deliveries_about", "nightdrop_webhook_deliveries", ["about"])
    pending = sa.text("state = 'pending'")
    op.create_index(
        "nightdrop_webhook_deliveries_due",
        "nightdrop_webhook_deliveries",
        ["webhook_id", "not_before"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement)
