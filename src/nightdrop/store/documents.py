"""Document rows and the bytes they name: written after them, taken away before them, never both at once.

Accepting and removing could meet: bytes that an accept found in the store may be on their way out. So a transaction
that names documents looks again, within it, that rows and bytes are there (`name_documents`), and one that removes
takes turns with it. A row on its way out has a location that begins with `gone:`: its bytes are deleted next, then
the row; a crash in between leaves the row, and whoever comes next goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.faults import reach
from nightdrop.records.document import Document
from nightdrop.store.blobs import PACKS, Blobs
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import documents, run_files

GONE = "gone:"
_LOCK_KEY = 0x626C6F6273  # one advisory lock on Postgres: accepting shares it, removing has it alone
_CHUNK = 500


class DocumentsGone(Exception):
    """Documents that a transaction wanted to name were removed since they were stored: store them again."""


def known_documents(connection: sa.Connection, hashes: Iterable[str]) -> set[str]:
    """Which of these sha256 the store holds already."""
    c, wanted, known = documents.c, list(hashes), set()
    for at in range(0, len(wanted), _CHUNK):
        query = sa.select(c.sha256).where(c.sha256.in_(wanted[at : at + _CHUNK]), c.location.not_like(f"{GONE}%"))
        known |= set(connection.scalars(query))
    return known


def add_documents(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record stored bytes; one that another process recorded meanwhile is left as it is."""
    if rows:
        hashes = [row["sha256"] for row in rows]
        for at in range(0, len(hashes), _CHUNK):
            connection.execute(
                sa.delete(documents).where(
                    documents.c.sha256.in_(hashes[at : at + _CHUNK]), documents.c.location.like(f"{GONE}%")
                )
            )
        connection.execute(insert_ignore(connection.dialect.name, documents), list(rows))


def name_documents(
    connection: sa.Connection, blobs: Blobs, kept: Sequence[Mapping[str, Any]], hashes: Iterable[str]
) -> None:
    """Record what was just stored (`kept`), for a transaction that is about to name all of `hashes`.

    Raises DocumentsGone when rows or bytes went away since they were looked at.
    """
    share(connection)
    if kept and blobs.missing(connection, [row["location"] for row in kept]):
        raise DocumentsGone
    add_documents(connection, kept)
    wanted = set(hashes)
    if wanted - known_documents(connection, wanted):
        raise DocumentsGone


def share(connection: sa.Connection) -> None:
    """Keep documents and runs from being removed while this transaction lasts."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK_KEY})


def alone(connection: sa.Connection) -> None:
    """Keep every other transaction from naming documents while this one removes some."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def mark_unreferenced(connection: sa.Connection, hashes: Sequence[str]) -> None:
    """Begin to remove those of these documents that no run names. Call `alone` first."""
    c = documents.c
    named = sa.exists().where(run_files.c.sha256 == c.sha256)
    connection.execute(
        sa.update(documents)
        .where(c.sha256.in_(hashes), ~named, c.location.not_like(f"{GONE}%"))
        .values(location=sa.literal(GONE) + c.location)
    )


def unreferenced(connection: sa.Connection, after: str, limit: int) -> list[str]:
    """Documents that no run names, in the order of their hashes, behind one."""
    c = documents.c
    named = sa.exists().where(run_files.c.sha256 == c.sha256)
    query = sa.select(c.sha256).where(c.sha256 > after, ~named, c.location.not_like(f"{GONE}%"))
    return list(connection.scalars(query.order_by(c.sha256).limit(limit)))


def leaving(connection: sa.Connection, limit: int) -> dict[str, tuple[str, int]]:
    """Documents on their way out: sha256 to (location, size)."""
    c = documents.c
    query = sa.select(c.sha256, c.location, c.size).where(c.location.like(f"{GONE}%")).limit(limit)
    return {row.sha256: (row.location.removeprefix(GONE), row.size) for row in connection.execute(query)}


def live_packs(connection: sa.Connection, names: Iterable[str]) -> set[str]:
    """Which of these packs hold a document that stays. A pack never gains documents, so this may be asked early."""
    wanted = [name for name in names if name.startswith(PACKS)]
    pack = sa.func.substr(documents.c.location, 1, len(PACKS) + 32)
    return set(connection.scalars(sa.select(pack).where(pack.in_(wanted)).distinct())) if wanted else set()


def take_away(
    connection: sa.Connection, blobs: Blobs, found: Mapping[str, tuple[str, int]], kept: set[str], scrub: bool
) -> int:
    """Delete the bytes of documents on their way out, then their rows; returns how many bytes.

    One that was handed in again meanwhile stays. kept: packs that others need. scrub: overwrite within those.
    """
    alone(connection)
    c = documents.c
    still = set(connection.scalars(sa.select(c.sha256).where(c.sha256.in_(list(found)), c.location.like(f"{GONE}%"))))
    places = [found[sha][0] for sha in still]
    if scrub:
        for place in places:
            blobs.scrub(connection, place)
    blobs.delete(connection, sorted({place.partition("#")[0] for place in places} - kept))
    reach("prune.bytes")
    connection.execute(sa.delete(documents).where(c.sha256.in_(still)))
    return sum(found[sha][1] for sha in still)


def named_objects(connection: sa.Connection, names: Sequence[str]) -> set[str]:
    """Which of these objects of the blob store a row names, also one on its way out."""
    c = documents.c
    spelled = [*names, *[GONE + name for name in names]]
    whole = set(connection.scalars(sa.select(c.location).where(c.location.in_(spelled))))
    packs = [name for name in spelled if PACKS in name]
    found = {place.removeprefix(GONE) for place in whole}
    for length in {len(name) for name in packs}:
        pack = sa.func.substr(c.location, 1, length)
        rows = connection.scalars(sa.select(pack).where(pack.in_([n for n in packs if len(n) == length])).distinct())
        found |= {place.removeprefix(GONE) for place in rows}
    return found


def is_stored(connection: sa.Connection, sha256: str) -> bool:
    """Whether a row names this document, also one on its way out."""
    query = sa.select(documents.c.sha256).where(documents.c.sha256 == sha256)
    return connection.execute(query).first() is not None


def find_document(connection: sa.Connection, sha256: str) -> Document | None:
    """A document that the store holds, None when there is none, or it is on its way out."""
    c = documents.c
    query = sa.select(documents).where(c.sha256 == sha256, c.location.not_like(f"{GONE}%"))
    row = connection.execute(query).mappings().first()
    return None if row is None else Document(**row)
