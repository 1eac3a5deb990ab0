"""Tokens: needed as soon as there is one, for what they are for, so often a minute; and the audit of every change."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from nightdrop import Agent, AgentOS, UsageError
from nightdrop.errors import TokenNotFound
from nightdrop.http.scopes import scope_of
from nightdrop.records.token import Scope
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store.audit import list_audit
from nightdrop.store.tokens import create_token, list_tokens, match_token, revoke_token
from tests.conftest import finished, nightdrop, rows_at
from tests.http.conftest import running, until, upload
from tests.http.test_serve import serving

RUNS = "/agents/invoices/runs"


@pytest.fixture
def agent_os(db: Database) -> AgentOS:
    return AgentOS(agents=[Agent(id="invoices", model="local", output_schema=Invoice, db=db)])


@pytest.fixture
def client(agent_os: AgentOS) -> Iterator[httpx2.Client]:
    with running(agent_os) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield client


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_as_soon_as_there_is_a_token_every_request_needs_one(db: Database, client: httpx2.Client) -> None:
    assert client.get("/agents").status_code == 200
    token, text = create_token(db, [Scope.READ])
    until(lambda: client.get("/agents").status_code == 401)
    refused = client.get("/agents")
    assert code(refused) == (401, "not_authenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert client.get("/agents", headers=bearer(text)).status_code == 200
    for wrong in (text[:-1], text + "x", "x", token.id, token.sha256, "é".encode("latin-1").decode("latin-1")):
        headers = [(b"Authorization", b"Bearer " + wrong.encode("latin-1"))]
        assert client.get("/agents", headers=headers).status_code == 401
    assert client.get("/agents", headers={"Authorization": f"Basic {text}"}).status_code == 401
    assert client.get("/health/ready").status_code == 200
    revoke_token(db, token.id)
    until(lambda: client.get("/agents").status_code == 200)  # none is left: this machine again


def test_a_token_is_kept_as_a_hash_and_shown_once(db: Database, place: str) -> None:
    _, text = create_token(db, [Scope.RUN], name="nightly")
    rows = rows_at(place, "SELECT * FROM nightdrop_tokens")
    assert text not in str(rows)
    with db.read() as connection:
        known = list_tokens(connection)
    found = match_token(known, text)
    assert found is not None
    assert (found.name, found.scopes, match_token(known, text + " ")) == ("nightly", (Scope.RUN,), None)
    assert "sha256" not in found.to_json()


def test_a_token_does_what_its_scopes_say(db: Database, client: httpx2.Client) -> None:
    texts = {scope: create_token(db, [scope])[1] for scope in Scope}
    until(lambda: client.get("/agents").status_code == 401)
    for scope, text in texts.items():
        assert client.get(RUNS, headers=bearer(text)).status_code == 200, scope
        run = client.post(RUNS, data={"message": scope}, files=[upload(1)], headers=bearer(text))
        may = scope in (Scope.RUN, Scope.ADMIN)
        assert run.status_code == (200 if may else 403), scope
        if not may:
            assert code(run) == (403, "scope_missing")
        assert client.delete("/nowhere", headers=bearer(text)).status_code == (404 if scope is Scope.ADMIN else 403)


@pytest.mark.parametrize(
    ("request_line", "scope"),
    [
        ("GET /anything", Scope.READ),
        ("POST /agents/a/runs", Scope.RUN),
        ("POST /workflows/w/runs/r/continue", Scope.RUN),
        ("POST /batches", Scope.RUN),
        ("POST /batches/b/cancel", Scope.RUN),
        ("POST /dead-letters/d/replay", Scope.RUN),
        ("POST /dead-letters/replay", Scope.RUN),
        ("POST /schedules/s/trigger", Scope.RUN),
        ("POST /schedules", Scope.ADMIN),
        ("POST /schedules/s/disable", Scope.ADMIN),
        ("DELETE /schedules/s", Scope.ADMIN),
        ("POST /reviews/r/decision", Scope.REVIEW),
        ("PUT /agents/a/runs", Scope.ADMIN),
        ("POST /what/is/new", Scope.ADMIN),
    ],
)
def test_what_is_not_in_the_table_needs_admin(request_line: str, scope: Scope) -> None:
    method, path = request_line.split()
    assert scope_of(method, path) is scope


def test_a_token_has_so_many_requests_a_minute(db: Database, client: httpx2.Client) -> None:
    _, text = create_token(db, [Scope.READ], requests_per_minute=3)
    _, other = create_token(db, [Scope.READ])
    until(lambda: client.get("/agents").status_code == 401)
    answers = [client.get("/agents", headers=bearer(text)) for _ in range(4)]
    assert [a.status_code for a in answers[:3]] == [200] * 3
    assert code(answers[3]) == (429, "too_many_requests")
    assert 1 <= int(answers[3].headers["retry-after"]) <= 20
    assert answers[3].json()["retryable"] is True
    assert client.get("/agents", headers=bearer(other)).status_code == 200


def test_every_change_is_in_the_audit(db: Database, client: httpx2.Client) -> None:
    token, text = create_token(db, [Scope.RUN], name="nightly")
    until(lambda: client.get("/agents").status_code == 401)
    made = client.post(RUNS, files=[upload(1)], headers=bearer(text))
    place = made.headers["location"]
    client.post(f"{place}/cancel", headers=bearer(text))
    client.post("/agents/nobody/runs", files=[upload(1)], headers=bearer(text))
    client.get(place, headers=bearer(text))
    with db.read() as connection:
        rows = list_audit(connection, actor="nightly")
    assert [(r.method, r.path, r.status, r.place) for r in reversed(rows)] == [
        ("POST", RUNS, 200, place),
        ("POST", f"{place}/cancel", 200, None),
        ("POST", "/agents/nobody/runs", 404, None),
    ]
    assert {(r.token_id, r.address) for r in rows} == {(token.id, "127.0.0.1")}


def test_a_change_whose_answer_was_never_sent_is_in_the_audit(place: str) -> None:
    with serving(place, env={"NIGHTDROP_FAULT_POINT": "accept.committed"}) as (url, process):
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(f"{url}{RUNS}", files=[upload(1)], timeout=30)
        assert process.wait(20) == -signal.SIGKILL
    rows = rows_at(place, "SELECT actor, method, path, status FROM nightdrop_audit")
    assert rows == [("this machine", "POST", RUNS, None)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(1,)]


def test_the_command_line_makes_lists_and_revokes(tmp_path: Path) -> None:
    where = ("--db", tmp_path / "n.db")
    exit_code, text, said = finished(nightdrop("tokens", "create", "--scope", "run", "--name", "ci", *where))
    assert (exit_code, text.startswith("nightdrop_"), "shown this once" in said) == (0, True, True)
    exit_code, listed, _ = finished(nightdrop("tokens", "list", *where))
    assert "ci" in listed
    assert text.strip() not in listed
    token_id = next(word for line in listed.splitlines() for word in line.split() if word.count("-") == 4)
    assert finished(nightdrop("tokens", "revoke", token_id, *where))[0] == 0
    exit_code, _, said = finished(nightdrop("tokens", "revoke", token_id, *where))
    assert (exit_code, "token_not_found" in said) == (2, True)
    exit_code, rows, _ = finished(nightdrop("audit", "--since", "1h", *where))
    assert (exit_code, f"REVOKE /tokens/{token_id}" in rows, "command line" in rows) == (0, True, True)
    assert finished(nightdrop("audit", "--json", "--limit", "1", *where))[1].count('"method"') == 1


def test_a_token_that_makes_no_sense(sqlite_db: Database) -> None:
    with pytest.raises(UsageError, match="needs a scope"):
        create_token(sqlite_db, [])
    with pytest.raises(UsageError, match="1 or more"):
        create_token(sqlite_db, [Scope.READ], requests_per_minute=0)
    with pytest.raises(TokenNotFound):
        revoke_token(sqlite_db, "nothing")


def test_with_a_token_it_listens_for_other_machines(agent_os: AgentOS, db: Database) -> None:
    with pytest.raises(UsageError, match="there are no tokens"):
        agent_os.listen("0.0.0.0", 0)
    agent_os.listen("0.0.0.0", 0, no_auth=True).close()
    create_token(db, [Scope.RUN])
    agent_os.listen("0.0.0.0", 0).close()


def test_without_auth_other_sites_are_refused_all_the_same(agent_os: AgentOS) -> None:
    options: dict[str, Any] = {"no_auth": True}
    with running(agent_os, **options) as url:
        assert httpx2.get(f"{url}/agents", headers={"Host": "nightdrop.example"}).status_code == 200
        refused = httpx2.get(f"{url}/agents", headers={"Origin": "https://evil.example"})
        assert code(refused) == (403, "host_refused")


def test_no_auth_is_an_option(tmp_path: Path) -> None:
    with serving(str(tmp_path / "n.db"), "--no-auth", "--host", "0.0.0.0") as (url, _):
        port = url.rpartition(":")[2]
        assert httpx2.get(f"http://127.0.0.1:{port}/agents", headers={"Host": "any.example"}).status_code == 200
