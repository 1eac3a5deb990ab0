"""Triggers: whoever ends a run, a schedule run or a document writes, in the same transaction, whom that is told.

In the database and not in the code, so that no way of ending anything can forget it. Where nobody listens, a trigger
looks into an empty table and that is all.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

_ENDED = "NEW.status NOT IN ('PENDING', 'RUNNING')"
_FIRED = "NEW.status NOT IN ('pending', 'running')"
_MOVED = "NEW.status <> OLD.status"

_RUN = """'run_id', NEW.run_id,
 'agent_id', CASE NEW.kind WHEN 'agent' THEN NEW.subject_id END,
 'workflow_id', CASE NEW.kind WHEN 'workflow' THEN NEW.subject_id END,
 'session_id', NEW.session_id, 'batch_id', NEW.batch_id, 'schedule_run_id', NEW.schedule_run_id,
 'status', NEW.status, 'attempt', NEW.attempt, 'error', CASE NEW.status WHEN 'ERROR' THEN NEW.error_code END"""
_LETTER = "'dead_letter_id', NEW.id, 'run_id', NEW.run_id, 'attempt', NEW.attempt, 'code', NEW.code"
_FIRE = """'schedule_run_id', NEW.id, 'schedule_id', NEW.schedule_id, 'scheduled_for', NEW.scheduled_for,
 'attempt', NEW.attempt, 'status', NEW.status, 'status_code', NEW.status_code,
 'run_id', NEW.run_id, 'batch_id', NEW.batch_id"""

_INTO = "INSERT INTO nightdrop_webhook_deliveries (id, webhook_id, event, about, data, state, created_at)"
_LISTENED = "EXISTS (SELECT 1 FROM nightdrop_webhooks)"
_NUDGE_ITEMS = """INSERT INTO nightdrop_webhook_batches (batch_id)
 SELECT DISTINCT i.batch_id FROM nightdrop_batch_items i WHERE i.run_id = NEW.run_id"""
_NUDGE = "INSERT INTO nightdrop_webhook_batches (batch_id) SELECT NEW.batch_id"


def statements(dialect: str) -> list[str]:
    """What makes the triggers of this database."""
    return _sqlite() if dialect == "sqlite" else _postgres()


def _sqlite() -> list[str]:
    def tell(event: str, about: str, data: str, moment: str) -> str:
        now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        new_id = "printf('%012x', told.at) || lower(hex(randomblob(10)))"
        told = f"(SELECT {event} AS event, COALESCE({moment}, {now}) AS at) AS told"
        return f"""{_INTO}
 SELECT {new_id}, w.id, told.event, {about}, json_object({data}), 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN {told} WHERE instr(w.events, ',' || told.event || ',') > 0;"""

    def trigger(name: str, moment: str, table: str, when: str, body: str) -> str:
        return (
            f"CREATE TRIGGER nightdrop_tell_{name} AFTER {moment} ON {table} "
            f"WHEN {when} AND {_LISTENED} BEGIN {body} END"
        )

    run = tell("'run.' || lower(NEW.status)", "NEW.run_id", _RUN, "NEW.completed_at")
    fire = tell("'schedule.' || NEW.status", "NEW.id", _FIRE, "NEW.completed_at")
    letter = tell("'dead_letter.created'", "NEW.run_id", _LETTER, "NEW.created_at")
    known = "NOT EXISTS (SELECT 1 FROM nightdrop_webhook_batches b WHERE b.batch_id ="
    nudge_items = f"{_NUDGE_ITEMS} AND {known} i.batch_id);"
    nudge = f"{_NUDGE} WHERE {known} NEW.batch_id);"
    runs, fires = "nightdrop_runs", "nightdrop_schedule_runs"
    return [
        trigger("run_made", "INSERT", runs, _ENDED, run),
        trigger("run", "UPDATE OF status", runs, f"{_ENDED} AND {_MOVED}", f"{run} {nudge_items}"),
        trigger("schedule_made", "INSERT", fires, _FIRED, fire),
        trigger("schedule", "UPDATE OF status", fires, f"{_FIRED} AND {_MOVED}", fire),
        trigger("letter", "INSERT", "nightdrop_dead_letters", "1", letter),
        trigger("batch", "UPDATE OF accepted_at, cancelled_at", "nightdrop_batches", "1", nudge),
    ]


def _postgres() -> list[str]:
    def function(name: str, body: str) -> str:
        return (
            f"CREATE FUNCTION nightdrop_tell_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {_LISTENED} THEN {body} END IF; RETURN NULL; END $$"
        )

    def trigger(name: str, moment: str, table: str, when: str, called: str) -> str:
        condition = f"WHEN ({when}) " if when else ""
        return (
            f"CREATE TRIGGER nightdrop_tell_{name} AFTER {moment} ON {table} FOR EACH ROW {condition}"
            f"EXECUTE FUNCTION nightdrop_tell_{called}()"
        )

    def tell(event: str, about: str, data: str, moment: str) -> str:
        now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        new_id = "lpad(to_hex(told.at), 12, '0') || left(replace(gen_random_uuid()::text, '-', ''), 20)"
        told = f"(SELECT {event} AS event, COALESCE({moment}, {now}) AS at) AS told"
        return f"""{_INTO}
 SELECT {new_id}, w.id, told.event, {about}, json_build_object({data})::text, 'pending', told.at
 FROM nightdrop_webhooks w CROSS JOIN {told} WHERE strpos(w.events, ',' || told.event || ',') > 0;"""

    run = tell("'run.' || lower(NEW.status)", "NEW.run_id", _RUN, "NEW.completed_at")
    fire = tell("'schedule.' || NEW.status", "NEW.id", _FIRE, "NEW.completed_at")
    letter = tell("'dead_letter.created'", "NEW.run_id", _LETTER, "NEW.created_at")
    once = "ON CONFLICT DO NOTHING;"
    runs, fires = "nightdrop_runs", "nightdrop_schedule_runs"
    return [
        function("run", f"{run} {_NUDGE_ITEMS} {once}"),
        function("schedule", fire),
        function("letter", letter),
        function("batch", f"{_NUDGE} {once}"),
        trigger("run_made", "INSERT", runs, _ENDED, "run"),
        trigger("run", "UPDATE OF status", runs, f"{_ENDED} AND {_MOVED}", "run"),
        trigger("schedule_made", "INSERT", fires, _FIRED, "schedule"),
        trigger("schedule", "UPDATE OF status", fires, f"{_FIRED} AND {_MOVED}", "schedule"),
        trigger("letter", "INSERT", "nightdrop_dead_letters", "", "letter"),
        trigger("batch", "UPDATE OF accepted_at, cancelled_at", "nightdrop_batches", "", "batch"),
    ]


def _make(_target: sa.MetaData, connection: sa.Connection, **_options: Any) -> None:
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


sa.event.listen(metadata, "after_create", _make)
