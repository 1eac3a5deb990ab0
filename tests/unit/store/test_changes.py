"""A look is spared only while nothing was written, by whichever connection."""

from __future__ import annotations

import pytest
from tests.conftest import change_at

from nightdrop.store import Database
from nightdrop.store import changes as module
from nightdrop.store.changes import Changes


def test_a_write_of_anybody_is_seen(db: Database, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 3600.0)
    is_told = "://" not in place  # Postgres cannot be asked: every look is made
    with db.read():
        pass
    changes = Changes(db)
    assert not changes.none
    changes.look()
    assert not changes.none
    changes.found_nothing()
    assert changes.none is is_told
    with db.write() as connection:
        connection.exec_driver_sql("CREATE TABLE mine (a INTEGER)")
    assert not changes.none
    changes.look()
    changes.found_nothing()
    assert changes.none is is_told
    change_at(place, "INSERT INTO mine VALUES (1)")
    assert not changes.none
    changes.look()
    change_at(place, "INSERT INTO mine VALUES (2)")  # while one looks
    changes.found_nothing()
    assert not changes.none
    changes.look()
    changes.found_nothing()
    changes.forget()
    assert not changes.none
    changes.close()
    changes.look()
    changes.found_nothing()
    assert not changes.none


def test_a_look_is_not_spared_for_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    with db.read():
        pass
    changes = Changes(db)
    changes.look()
    changes.found_nothing()
    assert not changes.none
    changes.close()
