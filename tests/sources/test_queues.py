"""Messages of queues: documents once each, acknowledged after the commit, delivered again without a second run."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.errors import ExtraMissing, MessageUnreadable, UsageError
from nightdrop.intake import redis_stream, sqs
from nightdrop.intake.held import MessageQueue
from nightdrop.intake.listing import list_source
from nightdrop.intake.messages import documents_in
from nightdrop.intake.sources import _QUEUES
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text, rows_at
from tests.fundamentals.conftest import until
from tests.fundamentals.watching import watching
from tests.sources.drop import Drop
from tests.sources.queues import QUEUES, Queue
from tests.sources.serve import PASSWORD
from tests.sources.servers import s3

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    with s3(tmp_path) as made:
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
        yield made


@pytest.fixture(params=sorted(QUEUES))
def queue(request: pytest.FixtureRequest, bucket: Drop, tmp_path: Path, monkeypatch: Any) -> Iterator[Queue]:
    monkeypatch.setattr(redis_stream, "HOLD_SECONDS", 0)  # what is not acknowledged is delivered again soon
    monkeypatch.setattr(sqs, "HOLD_SECONDS", 1)
    as_a_new_process(monkeypatch)
    with QUEUES[request.param](tmp_path, bucket) as made:
        (tmp_path / "sources.toml").write_text(bucket.toml() + made.toml)
        yield made


def as_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has no connections and holds no messages."""
    for one in {id(q): q for q in _QUEUES.values()}.values():
        monkeypatch.setattr(one, "_open", {})


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="queued", model="local", output_schema=Invoice, db=db)
    db.close()


def runs(tmp_path: Path) -> list[tuple[Any, ...]]:
    return rows_at(str(tmp_path / "nightdrop.db"), "SELECT status, error_code FROM nightdrop_runs ORDER BY status")


def event(key: str, name: str = "ObjectCreated:Put") -> str:
    """As S3 sends it."""
    return json.dumps({"Records": [{"eventName": name, "s3": {"bucket": {"name": "drop"}, "object": {"key": key}}}]})


def test_documents_of_messages_are_read_once_and_acknowledged(
    queue: Queue, bucket: Drop, agent: Agent, tmp_path: Path
) -> None:
    bucket.write("a b.txt", invoice_text(1).encode())
    queue.send(event("in/a+b.txt"))
    content = base64.b64encode(invoice_text(2).encode()).decode()
    queue.send(json.dumps({"documents": [{"content": content, "filename": "2.txt"}, {"text": invoice_text(3)}]}))
    queue.send(event("in/gone.txt", "ObjectRemoved:Delete"))
    queue.send(json.dumps({"Event": "s3:TestEvent"}))
    queue.send("{not json")
    with watching(agent, queue.url) as told:
        until(lambda: (len(told.rows), queue.left()) == (4, 0), 60)
        found = {row["content"]["invoice_number"] for row in told.rows if row["content"]}
        assert found == {"INV-00001", "INV-00002", "INV-00003"}
        assert any(row["file"].endswith("!/s3://drop/in/a b.txt") for row in told.rows)
        queue.send(json.dumps({"url": "s3://drop/in/a b.txt"}))  # the same document, told again
        until(lambda: (len(told.rows), queue.left()) == (5, 0), 60)
    assert runs(tmp_path) == [("COMPLETED", None)] * 3 + [("ERROR", "message_unreadable")]
    (refused,) = [row for row in told.rows if row["status"] == "ERROR"]
    assert agent.db is not None
    assert agent.db.dead_letters.list()[0].run_id == refused["run_id"]
    assert refused["sha256"] is not None, "a message that cannot be understood is kept with its text"


def test_what_is_not_there_yet_is_asked_for_again(queue: Queue, bucket: Drop, agent: Agent, tmp_path: Path) -> None:
    queue.send(event("in/late.txt"))
    with watching(agent, queue.url, once=True) as told:
        assert [row["status"] for row in told.rows] == ["ERROR"]
    assert queue.left() == 1
    bucket.write("late.txt", invoice_text(7).encode())

    def come() -> bool:
        with watching(agent, queue.url, once=True) as again:
            return [row["status"] for row in again.rows] == ["COMPLETED"]

    until(come, 60)
    until(lambda: queue.left() == 0, 60)


def test_what_is_never_there_is_given_up_at_last(queue: Queue, agent: Agent, tmp_path: Path) -> None:
    queue.send(event("in/never.txt"))

    def given_up() -> bool:
        with watching(agent, queue.url, once=True):
            return queue.left() == 0

    until(given_up, 60)
    assert runs(tmp_path) == [("ERROR", "file_not_found")]


def test_killed_before_the_acknowledgement_there_is_no_second_run(
    queue: Queue, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(json.dumps({"text": invoice_text(1)}))
    with monkeypatch.context() as patched:
        patched.setattr(MessageQueue, "put_away", lambda *_: False)
        with watching(agent, queue.url, once=True) as told:
            assert len(told.rows) == 1
    assert queue.left() == 1
    as_a_new_process(monkeypatch)
    with watching(agent, queue.url) as told:
        until(lambda: queue.left() == 0, 60)
    assert (told.rows, runs(tmp_path)) == ([], [("COMPLETED", None)])


def test_batches_do_not_take_messages(queue: Queue, agent: Agent) -> None:
    with pytest.raises(UsageError, match="nightdrop watch"):
        agent.batch(queue.url)
    with pytest.raises(UsageError, match="moved or deleted"), watching(agent, queue.url, after="delete", once=True):
        pass


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '{"hello": 1}',
        '{"url": "/etc/passwd"}',
        '{"url": "file:///etc/passwd"}',
        '{"url": "zip://x::/etc/x.zip"}',
        '{"url": "s3://user:word@drop/x"}',
        '{"content": "no base64!"}',
        '{"documents": [1]}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
    ],
)
def test_what_names_no_document_is_refused_with_its_text(body: str) -> None:
    with pytest.raises(MessageUnreadable) as refused:
        documents_in(body.encode())
    assert refused.value.content == body.encode()


def test_what_others_wrap_around_it_is_understood() -> None:
    around = json.dumps({"Type": "Notification", "Message": event("in/%C3%A9.pdf")})
    bridge = json.dumps(
        {"detail-type": "Object Created", "detail": {"bucket": {"name": "drop"}, "object": {"key": "a+b.pdf"}}}
    )
    assert [f.url for f in documents_in(around.encode())] == ["s3://drop/in/é.pdf"]
    assert [f.url for f in documents_in(bridge.encode())] == ["s3://drop/a+b.pdf"]
    (web,) = documents_in(b'{"documents": ["https://example.com/a.pdf"]}')
    assert web.guarded


@pytest.mark.parametrize(("url", "package"), [("redis://host/0?stream=s&group=g", "redis"), ("sqs://inbox", "boto3")])
def test_a_missing_extra_is_named(url: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_a_new_process(monkeypatch)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraMissing, match=rf'pip install "nightdrop\[{url.partition("://")[0]}\]"'):
        list_source(url)


@pytest.mark.parametrize("url", ["redis://host/0", "redis://u:word@host/0?stream=s&group=g", "sqs://", "sqs://a/b"])
def test_a_url_that_names_no_queue_is_a_wrong_call(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_a_new_process(monkeypatch)
    with pytest.raises(UsageError) as refused:
        list_source(url)
    assert "word" not in str(refused.value).replace("password", "")
