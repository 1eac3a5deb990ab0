"""Looks become rare where nothing is written, and frequent again after a write."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from nightdrop import SqliteDb
from nightdrop.engine.desk import Desk
from nightdrop.engine.rounds import Rounds


async def test_rests_double_until_this_process_writes(sqlite_db: SqliteDb) -> None:
    desk = Desk(sqlite_db)
    rounds = Rounds(desk, shortest=0.01, longest=0.05)
    found = []
    for _ in range(4):
        await rounds.rest()
        found.append(rounds.seconds)
    assert found == [0.02, 0.04, 0.05, 0.05]
    await desk.write(lambda c: c.execute(sa.text("SELECT 1")).scalar())
    await rounds.rest()
    assert rounds.seconds == 0.01
    await rounds.rest()
    assert rounds.seconds == 0.02
    desk.close()


async def test_a_write_ends_a_long_rest(sqlite_db: SqliteDb) -> None:
    desk = Desk(sqlite_db)
    rounds = Rounds(desk, shortest=0.01, longest=3600.0)
    rounds.seconds = 3600.0
    await desk.write(lambda c: c.execute(sa.text("SELECT 1")).scalar())
    await rounds.rest()
    assert rounds.seconds == pytest.approx(0.01)
    desk.close()
