"""Sinks of each kind for tests, what is in them, and a deliverer whose clock the test moves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nightdrop.clock import now_ms
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.sinks.deliver import Deliverer
from nightdrop.store import Database
from tests.postgres import new_database
from tests.site import Site, site

SECRET = "a secret of sixteen letters"


class Place:
    """A sink of one kind, and what is in it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.web: Site | None = None
        self.folder = folder / "results"
        urls = {"folder": str(self.folder), "table": f"sqlite:///{folder}/results.db"}
        self.url = urls.get(kind, "")
        if kind == "postgres":
            self.url = new_database().replace("postgresql://", "postgresql+psycopg://", 1)

    def rows(self) -> list[dict[str, Any]]:
        if self.web is not None:
            return list(received(self.web).values())
        if "://" not in self.url:
            return [json.loads(path.read_text()) for path in self.folder.glob("*.json") if path.is_file()]
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            found = [dict(r) for r in connection.exec_driver_sql("SELECT * FROM nightdrop_results").mappings()]
        engine.dispose()
        return [{**row, "content": json.loads(row["content"] or "null")} for row in found]

    def refuse(self, document: str) -> Callable[[], None]:
        """Let the sink refuse any change of this document; returns what ends that."""
        if self.web is not None:
            self.web.decide = lambda body: (422, {}, b"not this one") if document.encode() in body else None
            return lambda: setattr(self.web, "decide", lambda _body: None)
        if self.kind == "folder":
            path = self.folder / f"{document}.json"
            path.unlink()
            path.mkdir()  # what cannot be written over
            return path.rmdir
        if self.kind == "table":
            no = f"WHEN NEW.document = '{document}' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            self._run(f"CREATE TRIGGER refuses BEFORE UPDATE ON nightdrop_results {no}")
            return lambda: self._run("DROP TRIGGER refuses")
        body = f"IF NEW.document = '{document}' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW"
        self._run(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$")
        each = "BEFORE UPDATE ON nightdrop_results FOR EACH ROW EXECUTE FUNCTION refuse()"
        self._run(f"CREATE TRIGGER refuses {each}")
        return lambda: self._run("DROP TRIGGER refuses ON nightdrop_results")

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


def received(web: Site) -> dict[str, dict[str, Any]]:
    """What an application keeps that does what the documentation says: the latest row of each document it took."""
    kept: dict[str, dict[str, Any]] = {}
    versions: dict[str, set[str]] = {}
    for _, _, headers, body in web.asked:
        if web.decide(body) is not None:
            continue
        row = json.loads(body)
        seen = versions.setdefault(row["document"], set())
        seen.add(headers["Idempotency-Key"])
        before = kept.get(row["document"], row)
        latest = max((before, row), key=lambda r: (r["run_id"], r["run_version"]))
        kept[row["document"]] = {**latest, "version": len(seen)}
    return kept


@pytest.fixture(params=["folder", "table", "postgres", "http"])
def outside(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(request.param, tmp_path)
    if request.param != "http":
        yield place
        return
    with site() as place.web:
        place.url = let_in(place.web, tmp_path, monkeypatch)
        yield place


def let_in(web: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sink's URL at this receiver, with what signs."""
    (folder / "sources.toml").write_text(f'["{web.url}"]\nsecret = "env:SINK_SECRET"\ntoken = "a-token"\n')
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(folder / "sources.toml"))
    monkeypatch.setenv("SINK_SECRET", SECRET)
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")
    return f"{web.url}/results"


@pytest.fixture
def sink_name(db: Database) -> Any:
    made = f"sink-{uuid.uuid4().hex[:8]}"
    yield made
    db.sinks.delete(made)


def deliver(db: Database, after_ms: int = 0) -> None:
    """One look of a deliverer, so much later, to its end."""
    deliverer = Deliverer(portal().call(engine_for(db)))
    portal().call(deliverer.tick(now_ms() + after_ms))
    portal().call(deliverer.put())
