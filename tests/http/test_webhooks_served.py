"""A service tells its webhooks: the AgentOS names them, its process sends."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from nightdrop import Agent, AgentOS, SqliteDb, Webhook
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.http.conftest import running, until
from tests.site import site


def test_the_end_of_a_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")
    db = SqliteDb(tmp_path / "n.db")
    agent = Agent(id="invoices", model="local", output_schema=Invoice, db=db)
    with site() as web:
        hook = Webhook(url=f"{web.url}/hook", secret="a secret of the test's own", events=["run.completed"])
        with running(AgentOS(agents=[agent], webhooks=[hook])) as url:
            files = {"files": ("a.txt", invoice_text(1).encode(), "text/plain")}
            run = httpx2.post(f"{url}/agents/invoices/runs", data={"message": "Read."}, files=files).json()
            until(lambda: len(web.asked) == 1)
        assert json.loads(web.asked[0][3])["data"]["run_id"] == run["run_id"]
    assert [d.state.value for d in db.webhooks.deliveries()] == ["delivered"]
    db.close()
