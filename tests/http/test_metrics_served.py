"""`GET /metrics` answers what Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import invoice_text
from tests.http.conftest import Served


def test_metrics_are_answered_as_text(served: Served) -> None:
    files = {"files": ("a.txt", invoice_text(1).encode(), "text/plain")}
    assert served.client.post("/agents/invoices/runs", data={"message": "Read."}, files=files).status_code == 200
    answer = served.client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (ended,) = found["nightdrop_ended_runs_5m"].samples
    assert (ended.labels["subject"], ended.labels["status"], ended.value) == ("invoices", "COMPLETED", 1)
    (alive,) = found["nightdrop_processes"].samples
    assert alive.value == 1
