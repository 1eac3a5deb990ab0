"""A commit whose acknowledgement was lost is given again: the second time it finds what the first one did."""

from __future__ import annotations

import sqlalchemy as sa

from nightdrop.records.model_call import CallOpened
from nightdrop.store import Database
from nightdrop.store.model_calls import open_call
from nightdrop.store.tables import model_calls


def test_a_call_opened_twice_is_one_row(db: Database) -> None:
    call = CallOpened(call_id="c", run_id="r", attempt=1, provider="p", model="m", opened_at=1)
    for _ in range(2):
        with db.write() as connection:
            open_call(connection, call)
    with db.read() as connection:
        assert connection.execute(sa.select(model_calls.c.call_id, model_calls.c.number)).all() == [("c", 1)]
