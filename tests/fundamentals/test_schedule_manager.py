"""Schedules made and changed: one of a name from many hosts at once, wrong fields named, the tools of an agent."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from nightdrop import ScheduleManager, schedule_tools
from nightdrop.errors import ScheduleExists, ScheduleInvalid, ScheduleNotFound
from nightdrop.store import Database


def test_tools_for_an_agent(db: Database) -> None:
    """What an agent is given: by name, each returns plain data."""
    tools = {tool.__name__: tool for tool in schedule_tools(ScheduleManager(db))}
    name = f"chat-{uuid.uuid4().hex[:8]}"
    made = tools["create_schedule"](name, "@daily", "/agents/a/runs", "Go.")
    assert name in [schedule["name"] for schedule in tools["list_schedules"]()]
    assert tools["disable_schedule"](name)["enabled"] is False
    assert tools["enable_schedule"](name)["enabled"] is True
    fired = tools["trigger_schedule"](made["id"])
    assert [row["id"] for row in tools["get_schedule_runs"](name)] == [fired["id"]]
    assert tools["delete_schedule"](name) == "deleted"


def test_five_hosts_create_one(db: Database) -> None:
    """if_exists="update" from five threads at once: one schedule, no error."""
    manager, name = ScheduleManager(db), f"boot-{uuid.uuid4().hex[:8]}"
    ids: list[str] = []

    def boot(number: int) -> None:
        made = manager.create(
            name=name, cron=f"{number} 3 * * *", endpoint="/agents/a/runs", if_exists="update", enabled=False
        )
        ids.append(made.id)

    threads = [threading.Thread(target=boot, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 5
    assert len(set(ids)) == 1
    assert [s.name for s in manager.list()].count(name) == 1
    with pytest.raises(ScheduleExists):
        manager.create(name=name, cron="0 3 * * *", endpoint="/agents/a/runs")
    skipped = manager.create(name=name, cron="9 9 * * *", endpoint="/agents/a/runs", if_exists="skip")
    assert skipped.cron != "9 9 * * *"
    manager.delete(name)
    with pytest.raises(ScheduleNotFound):
        manager.get(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cron", "never"),
        ("timezone", "Nowhere"),
        ("endpoint", "https://example.com/agents/a/runs"),
        ("method", "GET"),
        ("timeout_seconds", 0),
        ("max_retries", -1),
        ("retry_delay_seconds", "soon"),
        ("catch_up", "some"),
        ("overlap", "maybe"),
        ("payload.after", {"files": "in", "after": "burn"}),
        ("payload.file", {"file": "in"}),
        ("payload.settle_seconds", {"files": "in", "settle_seconds": "5"}),
    ],
)
def test_what_is_wrong_names_its_field(db: Database, field: str, value: Any) -> None:
    fields: dict[str, Any] = {"name": "x", "cron": "0 2 * * *", "endpoint": "/agents/a/runs"}
    fields[field.partition(".")[0]] = value
    with pytest.raises(ScheduleInvalid) as error:
        ScheduleManager(db).create(**fields)
    assert error.value.field == field


async def test_async_twins(db: Database) -> None:
    manager, name = ScheduleManager(db), f"twin-{uuid.uuid4().hex[:8]}"
    made = await manager.acreate(name=name, cron="@daily", endpoint="/agents/a/runs", enabled=False)
    assert (await manager.aenable(made.id)).next_fire_at is not None
    assert (await manager.adisable(made.id)).next_fire_at is None
    assert (await manager.aupdate(made.id, description="x")).description == "x"
    assert (await manager.aget(name)).id == made.id
    assert made.id in [s.id for s in await manager.alist()]
    fired = await manager.atrigger(name)
    assert [row.id for row in await manager.aget_runs(name)] == [fired.id]
    await manager.adelete(made.id)
    assert [(r.status.value, r.error) for r in await manager.aget_runs(made.id)] == [
        ("skipped", "the schedule was deleted")
    ]
