"""ScheduleManager: schedules made, changed, fired by hand and looked at from Python."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from nightdrop.errors import DatabaseRequired
from nightdrop.records.schedule import CatchUp, Overlap, Schedule, ScheduleRun
from nightdrop.schedules import service
from nightdrop.schedules.service import IfExists
from nightdrop.store import Database


class ScheduleManager:
    """The schedules of one database. Starts nothing: a process with AgentOS(scheduler=True) fires them.

    Schedules are named by id or by name. Every method has an async twin with an `a` in front.
    """

    def __init__(self, db: Database) -> None:
        if not isinstance(db, Database):
            raise DatabaseRequired('ScheduleManager needs a database: ScheduleManager(SqliteDb("nightdrop.db"))')
        self.db = db

    def create(  # noqa: PLR0913 - a call of the contract
        self,
        *,
        name: str,
        cron: str,
        endpoint: str,
        method: str = "POST",
        payload: dict[str, Any] | None = None,
        timezone: str = "UTC",
        timeout_seconds: int = 3600,
        max_retries: int = 0,
        retry_delay_seconds: int = 60,
        catch_up: CatchUp = "one",
        overlap: Overlap = "skip",
        if_exists: IfExists = "raise",
        description: str | None = None,
        enabled: bool = True,
    ) -> Schedule:
        """Make a schedule. Raises ScheduleInvalid that names the field, ScheduleExists (see if_exists).

        if_exists="update" changes the one of this name, so that a start-up script may run on many hosts at once.
        """
        fields = {
            "name": name,
            "cron": cron,
            "endpoint": endpoint,
            "method": method,
            "payload": payload or {},
            "timezone": timezone,
            "timeout_seconds": timeout_seconds,
            "max_retries": max_retries,
            "retry_delay_seconds": retry_delay_seconds,
            "catch_up": catch_up,
            "overlap": overlap,
            "description": description,
            "enabled": enabled,
        }
        return service.create_schedule(self.db, fields, if_exists=if_exists)

    async def acreate(self, **fields: Any) -> Schedule:
        """`create` for async code."""
        return await asyncio.to_thread(lambda: self.create(**fields))

    def list(
        self, *, enabled: bool | None = None, before: str | None = None, limit: int | None = None
    ) -> list[Schedule]:
        """Schedules, newest first; `before` is the id the page starts after."""
        return service.list_all(self.db, enabled=enabled, before=before, limit=limit)

    async def alist(self, **options: Any) -> Sequence[Schedule]:
        """`list` for async code."""
        return await asyncio.to_thread(lambda: self.list(**options))

    def get(self, schedule: str) -> Schedule:
        """One schedule. Raises ScheduleNotFound."""
        return service.get_schedule(self.db, schedule)

    async def aget(self, schedule: str) -> Schedule:
        """`get` for async code."""
        return await asyncio.to_thread(self.get, schedule)

    def update(self, schedule: str, **fields: Any) -> Schedule:
        """Change fields of `create`. A new cron expression or time zone counts from now. Raises as `create`."""
        return service.update_schedule(self.db, schedule, fields)

    async def aupdate(self, schedule: str, **fields: Any) -> Schedule:
        """`update` for async code."""
        return await asyncio.to_thread(lambda: self.update(schedule, **fields))

    def delete(self, schedule: str) -> None:
        """Delete a schedule; its runs stay as the audit, and what is running goes on. Raises ScheduleNotFound."""
        service.delete_schedule(self.db, schedule)

    async def adelete(self, schedule: str) -> None:
        """`delete` for async code."""
        await asyncio.to_thread(self.delete, schedule)

    def enable(self, schedule: str) -> Schedule:
        """Fire it from now on; what came while it was disabled is not fired."""
        return self.update(schedule, enabled=True)

    async def aenable(self, schedule: str) -> Schedule:
        """`enable` for async code."""
        return await asyncio.to_thread(self.enable, schedule)

    def disable(self, schedule: str) -> Schedule:
        """Fire it no more; what is running goes on."""
        return self.update(schedule, enabled=False)

    async def adisable(self, schedule: str) -> Schedule:
        """`disable` for async code."""
        return await asyncio.to_thread(self.disable, schedule)

    def trigger(self, schedule: str) -> ScheduleRun:
        """Fire it now, also a disabled one: a pending row that the next process with a scheduler begins."""
        return service.trigger_schedule(self.db, schedule)

    async def atrigger(self, schedule: str) -> ScheduleRun:
        """`trigger` for async code."""
        return await asyncio.to_thread(self.trigger, schedule)

    def get_runs(
        self,
        schedule: str | None = None,
        *,
        status: str | Sequence[str] | None = None,
        since: datetime | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[ScheduleRun]:
        """Fires, newest first, of one schedule or of all; `before` is the id the page starts after."""
        return service.get_runs(self.db, schedule, status=status, since=since, before=before, limit=limit)

    async def aget_runs(self, schedule: str | None = None, **options: Any) -> Sequence[ScheduleRun]:
        """`get_runs` for async code."""
        return await asyncio.to_thread(lambda: self.get_runs(schedule, **options))


def schedule_tools(manager: ScheduleManager) -> list[Callable[..., Any]]:
    """Functions for `Agent(tools=schedule_tools(manager))`: an agent lists, makes and changes schedules in a chat."""

    def list_schedules() -> list[dict[str, Any]]:
        """List all schedules with their next times."""
        return [schedule.to_json() for schedule in manager.list()]

    def create_schedule(name: str, cron: str, endpoint: str, message: str, timezone: str = "UTC") -> dict[str, Any]:
        """Make a schedule: cron has five fields, endpoint is /agents/ID/runs, timezone an IANA name."""
        made = manager.create(name=name, cron=cron, endpoint=endpoint, payload={"message": message}, timezone=timezone)
        return made.to_json()

    def enable_schedule(schedule: str) -> dict[str, Any]:
        """Let a schedule (id or name) fire again."""
        return manager.enable(schedule).to_json()

    def disable_schedule(schedule: str) -> dict[str, Any]:
        """Keep a schedule (id or name) from firing."""
        return manager.disable(schedule).to_json()

    def delete_schedule(schedule: str) -> str:
        """Delete a schedule (id or name)."""
        manager.delete(schedule)
        return "deleted"

    def trigger_schedule(schedule: str) -> dict[str, Any]:
        """Fire a schedule (id or name) now."""
        return manager.trigger(schedule).to_json()

    def get_schedule_runs(schedule: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The latest fires of a schedule (id or name), or of all."""
        return [run.to_json() for run in manager.get_runs(schedule, limit=limit)]

    return [
        list_schedules,
        create_schedule,
        enable_schedule,
        disable_schedule,
        delete_schedule,
        trigger_schedule,
        get_schedule_runs,
    ]
