"""Old runs go, with what nothing else needs; one document can be forgotten, text and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdrop import Agent, File, NightdropError, ReviewPolicy, RunStatus
from nightdrop.clock import now_ms
from nightdrop.engine import Engine
from nightdrop.engine.leftovers import forget_attempts
from nightdrop.retention import forget, prune, would_prune
from nightdrop.rules import one_of
from nightdrop.schemas import Invoice
from nightdrop.store import Database, SqliteDb
from tests.conftest import rows_at
from tests.fundamentals.conftest import MESSAGE, document
from tests.postgres import new_database

DAY = 86_400_000


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database for each test: what is pruned must not be another test's."""
    return str(tmp_path / "n.db") if request.param == "sqlite" else new_database()


@pytest.fixture
def db(place: str) -> object:
    from nightdrop.store.place import database_at

    database = database_at(place)
    yield database
    database.close()


both = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)


def _soon() -> int:
    return now_ms() + 1000


@both
def test_old_runs_go_and_costs_and_young_runs_stay(db: Database, agent: Agent, place: str) -> None:
    """Runs, files, items, letters, bytes and engine rows go together; a second prune finds nothing."""
    agent.batch([document(n) for n in range(6)], MESSAGE).wait(timeout=60)
    middle = now_ms() + 1
    single = agent.run(MESSAGE, files=[document(7)])
    before = would_prune(db, middle)
    assert (before.runs, before.documents) == (6, 6)
    gone = prune(db, middle, now_ms=now_ms())
    assert (gone.runs, gone.documents, gone.bytes, gone.batches) == (6, 6, before.bytes, 1)
    assert gone.engine_rows in (6, 7), "the young run is over too: its engine row may go"
    assert agent.get_run_output(single.run_id).status is RunStatus.COMPLETED
    for table in ("runs", "run_files", "documents"):
        assert rows_at(place, f"SELECT count(*) FROM nightdrop_{table}") == [(1,)], table
    assert prune(db, middle, now_ms=now_ms()).runs == 0
    again = agent.batch([document(n) for n in range(6)], MESSAGE).wait(timeout=60)
    assert (again.done, again.failed, again.skipped) == (6, 0, 0), "what is gone is read anew"


@both
def test_the_engine_keeps_what_a_replay_began_meanwhile(db: Database, agent: Agent) -> None:
    """Pruning looks at a run, then somebody replays it: the new attempt's own engine row must stay."""
    run = agent.run(MESSAGE, files=[document(1)])
    assert forget_attempts(db, {run.run_id: 0}) == 0, "attempt 1 is later than the one that was looked at"
    assert forget_attempts(db, {run.run_id: 1}) == 1


@both
def test_open_and_paused_runs_and_open_letters_stay(db: Database, agent: Agent, place: str) -> None:
    """Age alone does not delete what still waits for somebody."""
    runs = [agent.run(MESSAGE, files=[document(n)]) for n in range(3)]
    agent.batch([File(filepath="no/such.pdf")], MESSAGE).wait(timeout=60)
    db.close()
    for run, status in zip(runs, ("PAUSED", "PENDING", "COMPLETED"), strict=True):
        with db.write() as connection:
            connection.exec_driver_sql(f"UPDATE nightdrop_runs SET status = '{status}' WHERE run_id = '{run.run_id}'")
    assert prune(db, _soon(), now_ms=now_ms()).runs == 1
    assert prune(db, _soon(), now_ms=now_ms(), dead_letters=True).dead_letters == 1
    assert rows_at(place, "SELECT status FROM nightdrop_runs ORDER BY status") == [("PAUSED",), ("PENDING",)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_documents") == [(2,)]


@both
async def test_a_document_accepted_while_it_is_pruned_is_not_lost(
    db: Database, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """accept looks the bytes up, prune takes them, accept commits: it must store them again."""
    await agent.arun(MESSAGE, files=[document(1)])
    keep, times = Engine.keep, 0

    async def keep_then_prune(self: Engine, documents: object) -> object:
        nonlocal times
        kept = await keep(self, documents)  # type: ignore[arg-type]
        times += 1
        if times == 1:
            assert kept == [], "the store had it"
            assert prune(db, _soon(), now_ms=now_ms()).documents == 1
        return kept

    monkeypatch.setattr(Engine, "keep", keep_then_prune)
    run = await agent.arun(MESSAGE, files=[document(1)])
    assert (run.status, times) == (RunStatus.COMPLETED, 2)


def test_bytes_that_a_crash_left_go_after_a_day(tmp_path: Path) -> None:
    """Young ones may belong to an accept that is still at work."""
    db = SqliteDb(tmp_path / "n.db")
    agent = Agent(model="local", output_schema=Invoice, db=db, id="a")
    run = agent.run(MESSAGE, files=[document(1)])
    db.blobs.put_many([("a" * 64, b"x"), ("b" * 64, b"y")])
    assert prune(db, 0, now_ms=now_ms()).orphans == 0
    assert prune(db, 0, now_ms=now_ms() + 2 * DAY).orphans == 1
    names = [p.name for p in Path(db.blobs.root).rglob("*") if p.is_file()]
    assert names == [run.input.hashes[0]]
    db.close()


def test_small_documents_leave_their_pack_when_nobody_needs_it(tmp_path: Path) -> None:
    """A pack goes with its last document."""
    db = SqliteDb(tmp_path / "n.db")
    agent = Agent(model="local", output_schema=Invoice, db=db, id="a")
    agent.batch([document(n) for n in range(4)], MESSAGE).wait(timeout=60)
    kept = agent.run(MESSAGE, files=[document(0)], session_id="other")
    with db.write() as connection:
        connection.exec_driver_sql("UPDATE nightdrop_runs SET completed_at = 1 WHERE session_id != 'other'")
    assert prune(db, 1000, now_ms=now_ms()).documents == 3
    assert len(list(Path(db.blobs.root, "packs").iterdir())) == 1
    again = agent.run(MESSAGE, files=[document(0)], session_id="third")
    assert again.content == kept.content
    assert prune(db, _soon(), now_ms=now_ms()).documents == 1
    assert list(Path(db.blobs.root, "packs").iterdir()) == []
    db.close()


def _secret(n: int) -> File:
    text = f"Invoice number: ZEBRAFISH-{n}\nInvoice date: 2026-03-01\nSeller: Zebrafish & Daughters\nTotal: 9.00 EUR\n"
    return File(content=text.encode(), filename=f"{n}.txt")


def test_a_forgotten_document_leaves_no_text_behind(tmp_path: Path) -> None:
    """Neither in the database file, its log, nor in a pack that others share."""
    db = SqliteDb(tmp_path / "n.db")
    agent = Agent(model="local", output_schema=Invoice, db=db, id="a")
    batch = agent.batch([_secret(1), document(1), document(2)], MESSAGE)
    run = next(r for r in batch.results() if r.content.invoice_number == "ZEBRAFISH-1")
    (sha,) = run.input.hashes
    db.close()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(b"ZEBRAFISH" in p.read_bytes() for p in files), "the test looks where text would be"
    gone = forget(db, str(sha))
    assert (gone.runs, gone.stored) == (1, True)
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert b"ZEBRAFISH" not in path.read_bytes().upper(), path
    assert agent.batch([document(1), document(2)], MESSAGE).wait(timeout=60).skipped == 2
    assert agent.run(MESSAGE, files=[document(1)], rerun=True).status is RunStatus.COMPLETED
    with pytest.raises(NightdropError, match="document_not_found"):
        forget(db, str(sha))
    db.close()


@both
def test_a_document_in_use_is_not_forgotten(db: Database, agent: Agent, place: str) -> None:
    """An open run over it refuses; when that is cancelled, it goes."""
    run = agent.run(MESSAGE, files=[document(1)])
    db.close()
    with db.write() as connection:
        connection.exec_driver_sql("UPDATE nightdrop_runs SET status = 'PENDING', executor_id = NULL")
    with pytest.raises(NightdropError, match=f"nightdrop runs cancel {run.run_id}") as refused:
        forget(db, str(run.input.hashes[0]))
    assert refused.value.code == "document_in_use"
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(1,)]
    agent.cancel_run(run.run_id)
    assert forget(db, str(run.input.hashes[0])).runs == 1
    assert rows_at(place, "SELECT count(*) FROM nightdrop_documents") == [(0,)]


@both
def test_reviews_go_with_their_run(db: Database, place: str) -> None:
    """A run in review is not old, however long it waits; decided, its reviews go with it."""
    schema = {"type": "object", "properties": {"invoice_number": {"type": "string"}}}
    options = {"output_schema": schema, "review": ReviewPolicy(), "validators": [one_of("invoice_number", ["R-8"])]}
    agent = Agent(id="reviewed", model="local", db=db, **options)
    run = agent.run(MESSAGE, files=[File(content=b"Invoice number: R-7\n", filename="a.txt")])
    assert run.status is RunStatus.PAUSED
    assert prune(db, _soon(), now_ms=now_ms()).runs == 0
    (review,) = db.reviews.list()
    db.reviews.accept(review.id, reviewer="ann")
    assert prune(db, _soon(), now_ms=now_ms()).runs == 1
    for table in ("runs", "reviews"):
        assert rows_at(place, f"SELECT count(*) FROM nightdrop_{table}") == [(0,)], table
