"""Sinks over HTTP: signed, guarded, and what each answer of the receiver means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from pathlib import Path

import pytest

from nightdrop import Agent
from nightdrop.errors import UrlRefused
from nightdrop.store import Database
from tests.fundamentals.conftest import document
from tests.fundamentals.sink_places import SECRET, deliver, let_in
from tests.site import site


def test_a_post_is_signed_and_its_key_is_the_results(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site() as web:
        db.sinks.create(sink_name, let_in(web, tmp_path, monkeypatch), subject_id=agent.id)
        run = agent.run(files=[document(70)], session_id="s")
        web.decide = lambda _body: (503, {"Retry-After": "3600"}, b"full")
        deliver(db)
        web.decide = lambda _body: None
        deliver(db, 3_500_000)
        assert len(web.asked) == 1  # it asked to be left alone for an hour
        deliver(db, 3_700_000)
    (_, path, first, body), (_, _, second, again) = web.asked
    assert (path, body, json.loads(body)["run_id"]) == ("/results", again, run.run_id)
    assert first["Idempotency-Key"] == second["Idempotency-Key"] == second["webhook-id"]
    assert second["Authorization"] == "Bearer a-token"
    signed = f"{second['webhook-id']}.{second['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert second["webhook-signature"] == f"v1,{expected}"
    (delivery,) = db.sinks.deliveries(sink_name)
    assert (delivery.state, delivery.attempts) == ("delivered", 0)


@pytest.mark.parametrize(
    ("code", "attempts"), [(500, 0), (503, 0), (507, 0), (429, 0), (401, 0), (302, 0), (400, 1), (413, 1)]
)
def test_what_an_answer_says_of_sink_and_result(
    db: Database,
    agent: Agent,
    tmp_path: Path,
    sink_name: str,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    attempts: int,
) -> None:
    with site() as web:
        db.sinks.create(sink_name, let_in(web, tmp_path, monkeypatch), subject_id=agent.id)
        agent.run(files=[document(80)], session_id="s")
        web.decide = lambda _body: (code, {"Location": "/elsewhere"}, b"no room")
        deliver(db)
        (delivery,) = db.sinks.deliveries(sink_name)
        assert (delivery.state, delivery.attempts, delivery.error) == (
            "pending",
            attempts,
            f"it answered {code}: no room",
        )
        assert (db.sinks.list()[-1].next_attempt_at is None) == (attempts == 1)
        web.decide = lambda _body: None
        deliver(db, 60_000)
        assert db.sinks.deliveries(sink_name)[0].state == "delivered"


def test_an_address_over_http_needs_a_secret_and_is_guarded(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UrlRefused):
        db.sinks.create(sink_name, "http://169.254.169.254/latest")
    with site() as web:
        url = let_in(web, tmp_path, monkeypatch)
        db.sinks.create(sink_name, url, subject_id=agent.id)
        agent.run(files=[document(90)], session_id="s")
        (tmp_path / "sources.toml").write_text("")
        deliver(db)
        assert "secret = " in (db.sinks.deliveries(sink_name)[0].error or "")
        let_in(web, tmp_path, monkeypatch)
        monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "none")
        deliver(db, 60_000)
        assert "not a public address" in (db.sinks.deliveries(sink_name)[0].error or "")
        assert web.asked == []


def test_several_are_on_their_way_at_a_time_and_each_document_in_its_order(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(4, timeout=20)

    def wait_for_others(_body: bytes) -> None:
        if len(web.asked) <= 4:
            together.wait()

    with site() as web:
        db.sinks.create(sink_name, let_in(web, tmp_path, monkeypatch), subject_id=agent.id)
        made = [agent.run(files=[document(n)], session_id=f"s{n}").run_id for n in range(90, 95)]
        again = agent.run(files=[document(90)], session_id="s90", rerun=True).run_id
        web.decide = wait_for_others
        deliver(db)
    rows = [json.loads(body) for _, _, _, body in web.asked]
    assert sorted(row["run_id"] for row in rows) == sorted([*made, again])
    assert [row["run_id"] for row in rows if row["run_id"] in (made[0], again)] == [made[0], again]
    assert {delivery.state for delivery in db.sinks.deliveries(sink_name)} == {"delivered"}
