"""Webhooks: who listens hears of every end, in signed requests that are sent again until they are answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, AgentOS, Delivery, File, ScheduleManager, UsageError, Webhook
from nightdrop.clock import now_ms
from nightdrop.engine import engine_for
from nightdrop.errors import DeliveryNotFound, UrlRefused, WebhookExists, WebhookNotFound
from nightdrop.portal import portal
from nightdrop.schedules import Scheduler
from nightdrop.store import Database
from nightdrop.webhooks import Courier
from tests.conftest import scan_png
from tests.fundamentals.conftest import MESSAGE, document, until
from tests.site import Site, site

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


class Stage:
    """A receiver, and a courier whose clock the test moves."""

    def __init__(self, db: Database, agent: Agent, web: Site) -> None:
        self.db, self.agent, self.web = db, agent, web
        self.path = f"/{uuid.uuid4().hex[:8]}"  # of this test's own
        self.courier = Courier(portal().call(engine_for(db)))
        self.webhook_id = ""

    def listen(self, *events: str, secret: str = SECRET) -> None:
        made = self.db.webhooks.create(Webhook(url=self.web.url + self.path, secret=secret, events=events or ("*",)))
        assert made.id is not None
        self.webhook_id = made.id

    def answers(self, code: int, headers: dict[str, str] | None = None, text: str = "") -> None:
        self.web.pages[self.path] = (code, headers or {}, text.encode())

    def tick(self, hours: float = 0) -> list[Delivery]:
        """Look at everything so many hours from now, with no webhook left alone; deliveries, oldest first."""
        self.courier._pauses.clear()
        portal().call(self.courier.tick(now_ms() + int(hours * 3_600_000)))
        portal().call(self.courier.sent())
        return self.deliveries()

    def deliveries(self) -> list[Delivery]:
        return list(reversed(self.db.webhooks.deliveries(webhook_id=self.webhook_id)))

    def states(self, hours: float = 0) -> list[tuple[str, str, int]]:
        return [(d.event, d.state.value, d.attempts) for d in self.tick(hours)]

    def asked(self) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for _, path, headers, body in self.web.asked if path == self.path]

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.asked()]


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def stage(db: Database, agent: Agent, web: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")
    made = Stage(db, agent, web)
    yield made
    if made.webhook_id in [webhook.id for webhook in db.webhooks.list()]:
        db.webhooks.delete(made.webhook_id)
    portal().call(made.courier.stop())


def test_an_end_is_told_in_a_signed_request(stage: Stage) -> None:
    """The receiver checks the signature over id, time and body with the secret that both know."""
    stage.listen("run.*")
    run = stage.agent.run(MESSAGE, files=[document(1)])
    (delivery,) = stage.tick()
    assert (delivery.state.value, delivery.status_code, delivery.attempts) == ("delivered", 200, 1)
    ((headers, body),) = stage.asked()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - now_ms() / 1000) < 60
    assert (headers["webhook-id"], headers["Content-Type"]) == (delivery.id, "application/json")
    told = json.loads(body)
    assert (told["type"], told["data"]["run_id"], told["data"]["status"]) == ("run.completed", run.run_id, "COMPLETED")
    assert told["timestamp"].endswith("Z")


def test_nothing_is_told_twice(stage: Stage) -> None:
    """An answered delivery is over; the same document in the same session is the same run, and no new end."""
    stage.listen("run.*")
    for _ in range(2):
        stage.agent.run(MESSAGE, files=[document(2)], session_id="s")
    assert stage.states() == stage.states(99) == [("run.completed", "delivered", 1)]
    assert len(stage.asked()) == 1


def test_a_receiver_that_fails_is_told_again(stage: Stage) -> None:
    """Later, with the same id and the same body, until it answers with 2xx."""
    stage.listen("run.*")
    stage.agent.run(MESSAGE, files=[document(3)])
    stage.answers(503, text="down for a moment")
    (delivery,) = stage.tick()
    assert (delivery.state.value, delivery.attempts, delivery.status_code) == ("pending", 1, 503)
    assert delivery.error == "it answered 503: down for a moment"
    assert stage.states() == [("run.completed", "pending", 1)]  # not due yet
    assert stage.states(0.01) == [("run.completed", "pending", 2)]
    stage.answers(204)
    assert stage.states(0.1) == [("run.completed", "delivered", 3)]
    first, second, third = stage.asked()
    assert first[0]["webhook-id"] == second[0]["webhook-id"] == third[0]["webhook-id"]
    assert first[1] == second[1] == third[1]


def test_a_receiver_that_is_left_alone_for_a_while(stage: Stage) -> None:
    """While it fails, what waits for it is not sent one after the other."""
    stage.listen("run.*")
    for number in range(6):
        stage.agent.run(MESSAGE, files=[document(number)])
    stage.answers(500)
    stage.tick()
    tried = len(stage.asked())
    assert tried == 4
    portal().call(stage.courier.tick(now_ms()))
    portal().call(stage.courier.sent())
    assert len(stage.asked()) == tried
    stage.answers(200)
    stage.tick()
    stage.tick(1)
    assert {d.state.value for d in stage.tick(1)} == {"delivered"}


@pytest.mark.parametrize("code", [301, 302, 400, 401, 404, 410, 422])
def test_an_answer_that_cannot_get_better_is_a_dead_delivery(stage: Stage, code: int) -> None:
    """A redirect is not followed: it could lead anywhere. The delivery is kept, and replayed when the receiver is
    mended."""
    stage.listen("run.*")
    stage.agent.run(MESSAGE, files=[document(4)])
    stage.answers(code, {"Location": f"{stage.web.url}/elsewhere"})
    assert stage.states() == [("run.completed", "dead", 1)]
    assert "/elsewhere" not in [path for _, path, _, _ in stage.web.asked]
    stage.answers(200)
    (delivery,) = stage.deliveries()
    assert stage.db.webhooks.replay(delivery.id) == 1
    assert stage.states() == [("run.completed", "delivered", 1)]
    assert len({headers["webhook-id"] for headers, _ in stage.asked()}) == 1


def test_out_of_attempts_is_dead_and_all_dead_are_replayed_together(stage: Stage) -> None:
    stage.listen("run.*")
    stage.agent.run(MESSAGE, files=[document(5)])
    stage.answers(500)
    for number in range(8):
        states = stage.states(number * 10)
    assert states == [("run.completed", "dead", 8)]
    stage.answers(200)
    assert stage.db.webhooks.replay_dead(stage.webhook_id) == 1
    assert stage.states() == [("run.completed", "delivered", 1)]


def test_an_address_that_is_not_public_is_never_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused when it is made; one that has become private since (its name leads here now) when it is to be told."""
    stage.listen("run.*")
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "none")
    with pytest.raises(UrlRefused):
        stage.db.webhooks.create(Webhook(url="http://169.254.169.254/", secret=SECRET))
    stage.agent.run(MESSAGE, files=[document(6)])
    (delivery,) = stage.tick()
    assert (delivery.state.value, stage.asked()) == ("dead", [])
    assert delivery.error is not None
    assert delivery.error.startswith("url_refused: 127.0.0.1 is not a public address")


def test_a_secret_from_the_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database has the variable's name only; a process without it does not send."""
    stage.listen("run.*", secret="env:HOOK_SECRET")
    stage.agent.run(MESSAGE, files=[document(7)])
    (delivery,) = stage.tick()
    assert delivery.state.value == "dead"
    assert "HOOK_SECRET is not set" in (delivery.error or "")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    stage.db.webhooks.replay([delivery.id])
    assert stage.states() == [("run.completed", "delivered", 1)]


def test_a_batch_and_its_dead_letters(stage: Stage, tmp_path: Path) -> None:
    """Two documents, one of them a picture without text: a letter, and the batch's end with its counts."""
    stage.listen("batch.*", "dead_letter.created")
    bad = File(content=scan_png(), filename="scan.png")
    batch = stage.agent.batch([document(8), bad], MESSAGE)
    batch.wait()
    stage.tick()
    stage.tick()
    told = {heard["type"]: heard["data"] for heard in stage.heard()}
    assert set(told) == {"batch.completed", "dead_letter.created"}
    assert told["dead_letter.created"]["code"] == "no_text"
    assert told["batch.completed"]["batch_id"] == batch.id
    assert [told["batch.completed"][name] for name in ("total", "done", "failed")] == [2, 2, 1]


def test_a_fire_of_a_schedule(stage: Stage) -> None:
    stage.listen("schedule.*")
    manager = ScheduleManager(stage.db)
    name = f"hooked-{uuid.uuid4().hex[:8]}"
    made = manager.create(name=name, cron="0 2 * * *", endpoint=f"/agents/{stage.agent.id}/runs", enabled=False)
    manager.trigger(name)
    scheduler = Scheduler(portal().call(engine_for(stage.db)))

    def ended() -> bool:
        portal().call(scheduler.tick(now_ms()))
        return not manager.get_runs(name)[0].status.is_open

    until(ended)
    stage.tick()
    (told,) = stage.heard()
    assert (told["type"], told["data"]["schedule_id"]) == ("schedule.failed", made.id)  # the local reader needs a file
    manager.delete(name)
    portal().call(scheduler.stop())


def test_a_deleted_webhook_is_told_no_more(stage: Stage) -> None:
    stage.listen("run.*")
    stage.agent.run(MESSAGE, files=[document(9)])
    stage.db.webhooks.delete(stage.webhook_id)
    (delivery,) = stage.tick()
    assert (delivery.state.value, delivery.error, stage.asked()) == ("dead", "the webhook was deleted", [])
    assert stage.db.webhooks.replay(delivery.id) == 0
    with pytest.raises(WebhookNotFound):
        stage.db.webhooks.delete(stage.webhook_id)
    with pytest.raises(WebhookNotFound):
        stage.db.webhooks.get(stage.webhook_id)
    with pytest.raises(DeliveryNotFound):
        stage.db.webhooks.replay("nothing")


def test_webhooks_of_a_program_are_made_once_and_changed(stage: Stage) -> None:
    """What an AgentOS names is made when a process of it starts, on any number of hosts."""
    url = stage.web.url + stage.path
    stage.db.webhooks.register([Webhook(url=url, secret=SECRET, events=["run.error"])] * 2)
    stage.db.webhooks.register([Webhook(url=url, secret=SECRET, events=["run.error", "batch.*"])])
    (found,) = [webhook for webhook in stage.db.webhooks.list() if webhook.url == url]
    assert found.id is not None
    assert found.events == ("run.error", "batch.completed", "batch.cancelled")
    with pytest.raises(WebhookExists):
        stage.db.webhooks.create(Webhook(url=url, secret=SECRET))
    stage.db.webhooks.delete(found.id)


def test_an_agent_os_takes_webhooks_only(db: Database, agent: Agent) -> None:
    webhook = Webhook(url="https://hooks.example/", secret=SECRET)
    assert AgentOS(agents=[agent], db=db, webhooks=[webhook]).webhooks == (webhook,)
    with pytest.raises(UsageError, match="webhooks="):
        AgentOS(agents=[agent], db=db, webhooks=["https://hooks.example/"])  # type: ignore[list-item]


def test_old_deliveries_are_pruned(stage: Stage) -> None:
    """Those that ended before the cutoff; what is on its way stays."""
    from nightdrop.retention import prune

    stage.listen("run.*")
    stage.agent.run(MESSAGE, files=[document(10)])
    stage.tick()
    stage.answers(500)
    stage.agent.run(MESSAGE, files=[document(11)])
    assert [d.state.value for d in stage.tick()] == ["delivered", "pending"]
    later = now_ms() + 1000
    assert prune(stage.db, later, now_ms=later).deliveries >= 1
    assert [d.state.value for d in stage.deliveries()] == ["pending"]
