"""Webhooks from the command line: made, told by a real worker, looked at, sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, nightdrop
from tests.crash.test_takeover import until
from tests.site import site


def ask(db: Path, *args: str, code: int = 0) -> Any:
    """A command's JSON."""
    ended, out, err = finished(nightdrop("webhooks", *args, "--db", db, "--json"))
    assert ended == code, err
    return json.loads(out) if code == 0 else err


def test_from_creating_one_to_sending_it_again(tmp_path: Path, invoices: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    db, folder = tmp_path / "n.db", invoices(2)
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")
    with site() as web:
        made = ask(db, "create", f"{web.url}/hook", "--event", "batch.*", "--event", "run.error")
        assert made["secret"].startswith("whsec_")
        assert "webhook_exists" in ask(db, "create", f"{web.url}/hook", code=2)
        assert "url_refused" in ask(db, "create", "http://10.0.0.1/", code=2)
        (listed,) = ask(db, "list")["items"]
        assert (listed["id"], listed["events"]) == (made["id"], ["run.error", "batch.completed", "batch.cancelled"])
        assert "secret" not in listed

        code, out, err = finished(nightdrop("run", folder, "--db", db, "--json"))
        assert code == 0, err
        batch = json.loads(out)["id"]
        ((_, _, _, body),) = web.asked  # told before the command ends: nobody else is there to do it
        told = json.loads(body)
        assert (told["type"], told["data"]["batch_id"], told["data"]["done"]) == ("batch.completed", batch, 2)
        (delivery,) = ask(db, "deliveries", "--about", batch)["items"]
        assert (delivery["event"], delivery["state"], delivery["attempts"]) == ("batch.completed", "delivered", 1)
        app = tmp_path / "app.py"
        app.write_text(
            "from nightdrop import Agent, SqliteDb\nfrom nightdrop.schemas import Invoice\n"
            f"agent = Agent(id='a', model='local', output_schema=Invoice, db=SqliteDb({str(db)!r}))\n"
        )
        worker = nightdrop("worker", f"{app}:agent", "--processes", "1")
        try:
            assert ask(db, "replay", delivery["id"]) == {"replayed": 1}
            until(lambda: len(web.asked) == 2, 60, "a worker tells it again")
            assert web.asked[0][2]["webhook-id"] == web.asked[1][2]["webhook-id"]
        finally:
            worker.terminate()
            assert finished(worker)[0] == 0
    assert ask(db, "replay", "--all-dead") == {"replayed": 0}
    assert "bad_argument" in ask(db, "replay", code=2)
    assert "delivery_not_found" in ask(db, "replay", "nothing", code=2)
    code, out, _ = finished(nightdrop("webhooks", "deliveries", "--db", db))
    assert (code, "batch.completed" in out) == (0, True)
    code, _, err = finished(nightdrop("webhooks", "delete", made["id"], "--db", db))
    assert code == 0, err
    assert ask(db, "list") == {"items": [], "next_cursor": None}
