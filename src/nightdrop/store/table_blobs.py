"""Documents' bytes in a table, in chunks: every machine that reaches the database reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.errors import StorageFailed
from nightdrop.records.content import Content, pieces
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import blob_chunks, documents

CHUNK_BYTES = 1024 * 1024
_GROUP_BYTES = 8 * CHUNK_BYTES  # of one statement: bounds what the driver holds


class TableBlobs:
    """Bytes by sha256 in `nightdrop_blob_chunks`; the location of a document is its hash.

    Each document's chunks commit together, before the row that names them.
    """

    root = "table nightdrop_blob_chunks"

    def __init__(self, engine: Callable[[], sa.Engine]) -> None:
        self._engine = engine

    def put_many(self, items: Sequence[tuple[str, Content]]) -> dict[str, str]:
        """Store (sha256, bytes) pairs; each hash is its own location. Raises StorageFailed, then nothing is named."""
        try:
            for group in _groups([(sha, data) for sha, data in items if isinstance(data, bytes)]):
                with self._engine().begin() as connection:
                    connection.execute(insert_ignore(connection.dialect.name, blob_chunks), group)
            for sha, data in items:
                if not isinstance(data, bytes):
                    self._put_mapped(sha, data)
        except sa.exc.DBAPIError as error:
            raise StorageFailed(f"cannot store documents in the database: {error.orig}") from error
        return {sha: sha for sha, _ in items}

    def _put_mapped(self, sha: str, data: Content) -> None:
        """A large document in one transaction, a few chunks at a time."""
        number = 0
        with self._engine().begin() as connection:
            statement = insert_ignore(connection.dialect.name, blob_chunks)
            for piece in pieces(data):
                cut = [piece[at : at + CHUNK_BYTES] for at in range(0, len(piece), CHUNK_BYTES)]
                connection.execute(
                    statement, [{"location": sha, "number": number + n, "data": c} for n, c in enumerate(cut)]
                )
                number += len(cut)

    def read(self, location: str) -> bytes:
        """The bytes at a location. Raises StorageFailed when they are gone."""
        c = blob_chunks.c
        query = sa.select(c.data).where(c.location == location).order_by(c.number)
        try:
            with self._engine().connect() as connection:
                chunks = [bytes(data) for data in connection.scalars(query)]
        except sa.exc.DBAPIError as error:
            raise StorageFailed(f"cannot read document {location}: {error.orig}") from error
        if not chunks:
            raise StorageFailed(f"document {location} is not in the database")
        return b"".join(chunks)

    def missing(self, connection: sa.Connection, locations: Sequence[str]) -> set[str]:
        """Which of these are not there."""
        c = blob_chunks.c
        query = sa.select(c.location).where(c.location.in_(locations), c.number == 0)
        return set(locations) - set(connection.scalars(query))

    def delete(self, connection: sa.Connection, names: Sequence[str]) -> None:
        """Delete these documents' chunks."""
        connection.execute(sa.delete(blob_chunks).where(blob_chunks.c.location.in_(names)))

    def scrub(self, connection: sa.Connection, location: str) -> None:
        """Nothing: what is deleted is gone from the table with the vacuum that follows."""

    def orphans(self, connection: sa.Connection, before_ms: int) -> Iterator[tuple[str, int]]:
        """(name, size) of bytes that no row names. Chunks have no time: whoever deletes them must be alone."""
        del before_ms
        c = blob_chunks.c
        named = sa.exists().where(documents.c.sha256 == c.location)
        query = sa.select(c.location, sa.func.sum(sa.func.length(c.data))).where(~named).group_by(c.location)
        for row in connection.execute(query):
            yield row[0], int(row[1])


def _groups(items: Sequence[tuple[str, bytes]]) -> Iterator[list[dict[str, Any]]]:
    """Rows of whole documents, in the order of their hashes so that two processes never wait for each other."""
    group: list[dict[str, Any]] = []
    size = 0
    for sha, data in sorted(items, key=lambda item: item[0]):
        group += [
            {"location": sha, "number": number, "data": data[at : at + CHUNK_BYTES]}
            for number, at in enumerate(range(0, max(1, len(data)), CHUNK_BYTES))
        ]
        size += len(data)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
