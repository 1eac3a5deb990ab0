"""Removing documents that no run names: row marked, bytes deleted, row deleted, each step safe to repeat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from nightdrop.store import Database
from nightdrop.store.blobs import Blobs
from nightdrop.store.documents import (
    alone,
    leaving,
    live_packs,
    mark_unreferenced,
    named_objects,
    take_away,
    unreferenced,
)

CHUNK = 200  # rows or files in one transaction: bounds how long the write lock is held


def remove_unreferenced(db: Database) -> tuple[int, int]:
    """Remove every document that no run names, also those that an interrupted removal left; returns (count, bytes)."""
    after = ""
    while True:
        with db.read() as connection:
            chunk = unreferenced(connection, after, CHUNK)
        if not chunk:
            break
        after = chunk[-1]
        db.transact(partial(_mark, hashes=chunk))
    return remove_leaving(db, scrub=False)


def remove_leaving(db: Database, *, scrub: bool) -> tuple[int, int]:
    """Delete bytes and rows of the documents that are marked; returns (count, bytes)."""
    count = size = 0
    while True:
        with db.read() as connection:
            found = leaving(connection, CHUNK)
            kept = live_packs(connection, {place.partition("#")[0] for place, _ in found.values()})
        if not found:
            return count, size
        size += db.transact(partial(take_away, blobs=db.blobs, found=found, kept=kept, scrub=scrub))
        count += len(found)


def remove_orphans(db: Database, before_ms: int) -> int:
    """Delete bytes written before a time that no row names: a crash between bytes and row left them."""
    with db.read() as connection:
        found = [name for name, _ in db.blobs.orphans(connection, before_ms)]
        named: set[str] = set()
        for at in range(0, len(found), CHUNK):
            named |= named_objects(connection, found[at : at + CHUNK])
    removed = 0
    lost = [name for name in found if name not in named]
    for at in range(0, len(lost), CHUNK):
        removed += db.transact(partial(_delete_lost, blobs=db.blobs, names=lost[at : at + CHUNK]))
    return removed


def _mark(connection: sa.Connection, hashes: Sequence[str]) -> None:
    alone(connection)
    mark_unreferenced(connection, hashes)


def _delete_lost(connection: sa.Connection, blobs: Blobs, names: Sequence[str]) -> int:
    alone(connection)
    gone = set(names) - named_objects(connection, names)
    blobs.delete(connection, sorted(gone))
    return len(gone)
