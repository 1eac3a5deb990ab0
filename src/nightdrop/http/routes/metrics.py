"""`/metrics`: what a Prometheus server collects, counted from the database when it is asked."""

from __future__ import annotations

from fastapi import APIRouter, Response

from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.store.gauges import gauges

router = APIRouter(tags=["health"])

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **answers(),
    },
)
def metrics(service: Serving) -> Response:
    """Gauges of this database in Prometheus's text format."""
    lines: list[str] = []
    for gauge in service.read(gauges):
        lines += [f"# HELP {gauge.name} {gauge.about}", f"# TYPE {gauge.name} {gauge.kind}"]
        lines += [f"{gauge.name}{_labels(labels)} {value}" for labels, value in gauge.values]
    return Response("\n".join(lines) + "\n", media_type=_TYPE)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    escaped = {n: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for n, v in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
