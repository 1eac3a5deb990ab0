"""OpenAPI is complete: a generated client works with nothing but it, and no request that it allows makes a 500."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import invoice_text, scan_png
from tests.http.conftest import Served

_BIN = Path(sys.executable).parent
_ENV = {**os.environ, "PATH": os.pathsep.join([str(_BIN), os.environ.get("PATH", "")])}


@pytest.fixture
def described(client: httpx2.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def test_every_route_says_what_it_is(described: dict[str, Any]) -> None:
    ids = []
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["description"], (path, method)
            assert route["tags"], (path, method)
            ids.append(route["operationId"])
            if not path.startswith("/health"):
                assert route["security"] == [{"HTTPBearer": []}], (path, method)
                assert "application/problem+json" in route["responses"]["422"]["content"], (path, method)
    assert len(set(ids)) == len(ids)


def test_every_body_has_an_example(described: dict[str, Any]) -> None:
    shapes = described["components"]["schemas"]
    lacking = []
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            for kind, body in route.get("requestBody", {}).get("content", {}).items():
                named = body["schema"].get("$ref", "").rpartition("/")[2]
                shape = shapes[named] if named else body["schema"]
                in_fields = any("examples" in field for field in shape["properties"].values())
                if "examples" not in shape and not in_fields:
                    lacking.append((method, path, kind))
    assert lacking == []


def test_a_generated_client_works(
    served: Served, described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, config = tmp_path / "openapi.json", tmp_path / "config.json"
    plan.write_text(json.dumps(described))
    overrides = {"application/x-ndjson": "text/plain", "image/png": "application/octet-stream"}
    config.write_text(json.dumps({"content_type_overrides": overrides, "post_hooks": []}))
    name = "made_for_" + ("sqlite" if "://" not in served.place else "postgres")
    command = ["generate", "--path", plan, "--config", config, "--meta", "none", "--output-path", tmp_path / name]
    made = subprocess.run(
        [_BIN / "openapi-python-client", *command, "--fail-on-warning"], capture_output=True, text=True, env=_ENV
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    use(name, served.url)


def use(name: str, url: str) -> None:
    def module(place: str) -> Any:
        return importlib.import_module(f"{name}.{place}")

    files = module("types")
    models = module("models")
    document = files.File(payload=io.BytesIO(invoice_text(1).encode()), file_name="a.txt", mime_type="text/plain")
    body = models.CreateRunBody(message="Read.", background=True, files=[document])
    with module("client").Client(base_url=url) as client:
        ask(module, models, client, body)


def ask(module: Any, models: Any, client: Any, body: Any) -> None:
    accepted = module("api.agents.create_run").sync(agent_id="invoices", client=client, body=body)
    assert type(accepted).__name__ == "AcceptedRun"
    get = module("api.agents.get_run")
    while (run := get.sync(agent_id="invoices", run_id=accepted.run_id, client=client)).status.value not in (
        "COMPLETED",
        "ERROR",
    ):
        pass
    assert (run.status.value, run.content["invoice_number"]) == ("COMPLETED", "INV-00001")
    page = module("api.agents.list_runs").sync(agent_id="invoices", client=client, limit=1)
    assert page.items[0].run_id == accepted.run_id
    problem = get.sync(agent_id="invoices", run_id="none", client=client)
    assert (type(problem).__name__, problem.code) == ("Problem", "run_not_found")
    new = models.NewSchedule(name="nightly", cron="@daily", endpoint="/agents/invoices/runs")
    made = module("api.schedules.create_schedule").sync(client=client, body=new)
    assert made.timezone == "UTC"
    assert module("api.schedules.delete_schedule").sync_detailed(key=made.id, client=client).status_code == 204


def test_no_request_makes_a_500(served: Served, tmp_path: Path) -> None:
    """Half a minute of requests, right and wrong ones, made from the description over things that are there."""
    client = served.client
    scan = [("files", ("scan.png", scan_png(), "image/png"))]
    run_id = client.post("/agents/invoices/runs", files=scan).json()["run"]["run_id"]
    schedule = {"name": "fuzzed", "cron": "@yearly", "endpoint": "/agents/invoices/runs", "if_exists": "skip"}
    known = {
        "agent_id": "invoices",
        "run_id": run_id,
        "letter_id": client.get("/dead-letters").json()["items"][0]["id"],
        "key": client.post("/schedules", json=schedule).json()["id"],
        "sha256": hashlib.sha256(scan_png()).hexdigest(),
    }
    lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
    (tmp_path / "schemathesis.toml").write_text("[parameters]\n" + "\n".join(lines) + "\n")
    command = [
        *("run", f"{served.url}/openapi.json", "--max-time", "30", "--request-timeout", "20"),
        *("--checks", "not_a_server_error", "--continue-on-failure", "--phases", "examples,coverage,fuzzing"),
        *("--exclude-path-regex", "/(events|results)$", "--no-color"),
    ]
    ended = subprocess.run(
        [_BIN / "schemathesis", *command], capture_output=True, text=True, env=_ENV, cwd=tmp_path, timeout=150
    )
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
