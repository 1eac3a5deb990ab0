"""What a schedule keeps of the files it has taken in, so that the next fire takes only what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from nightdrop.engine import Engine
from nightdrop.intake.take import UNREAD, Listed, Taken
from nightdrop.store.schedule_files import ACK, acknowledge_again, forget_members, remember_files, runs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCall:
    """The fire that a batch belongs to. after: what is to be done with each file once its result is committed.

    schedule_id: of the schedule, or of a watch, which has no fires: then schedule_run_id is None.
    """

    schedule_id: str
    schedule_run_id: str | None
    after: str | None = None


def remember(
    connection: sa.Connection, call: ScheduleCall, taken: Sequence[Taken], items: Sequence[dict[str, Any]]
) -> None:
    """Note files as taken in, and with the documents of an archive or mail the archive or mail itself."""
    of = {t.key: t.container for t in taken}
    own = {"schedule_id": call.schedule_id}
    whole = {listed.key: listed for listed in of.values() if listed is not None}
    gone = {key: {t.key for t in taken if t.container is not None and t.container.key == key} for key in whole}
    for key, members in gone.items():
        forget_members(connection, call.schedule_id, key, members)
    rows = []
    for item in items:
        container = of[item["file"]]
        # a mail may be among its own documents: then its row stands for both
        inside = container.key if container is not None and container.key != item["file"] else None
        after = call.after if inside is None else None
        row = {"path": item["file"], "version": item["version"], "run_id": item["run_id"]}
        rows.append({**own, **row, "after": after, "container": inside})
    remember_files(connection, rows)
    _remember_whole(connection, call, taken, whole, gone)


def _remember_whole(
    connection: sa.Connection,
    call: ScheduleCall,
    taken: Sequence[Taken],
    whole: dict[str, Listed],
    members: dict[str, set[str]],
) -> None:
    rows = []
    unread = {t.container.key for t in taken if t.container is not None and t.version == UNREAD}
    for key, listed in whole.items():
        found = runs_of(connection, call.schedule_id, sorted(members[key]))
        if key not in members[key] and found:
            rows.append(
                {
                    "schedule_id": call.schedule_id,
                    "path": key,
                    "version": UNREAD if key in unread else listed.version,
                    "run_id": found[0],
                    "after": call.after,
                    "container": None,
                }
            )
    remember_files(connection, rows)


async def acknowledge_known(
    engine: Engine, call: ScheduleCall | None, chunk: Sequence[Listed], known: Mapping[str, str]
) -> None:
    """Messages that are delivered again though they were taken in are acknowledged, now or when they have ended."""
    if call is None or call.after != ACK:
        return
    again = [listed.key for listed in chunk if known.get(listed.key) == listed.version]
    if again:
        await engine.desk.write(partial(acknowledge_again, schedule_id=call.schedule_id, paths=again))
