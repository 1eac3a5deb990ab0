"""The metrics as text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from nightdrop import clock
from nightdrop.metrics.families import families
from nightdrop.store import Database

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class _Rows(Collector):
    """What one look at the database says."""

    def __init__(self, db: Database, now_ms: int) -> None:
        self._db = db
        self._now_ms = now_ms

    def collect(self) -> Iterator[Metric]:
        """The families, and how long the look took."""
        began = clock.monotonic()
        with self._db.read() as connection:
            yield from families(connection, self._now_ms)
        took = Metric("nightdrop_metrics_seconds", "How long counting all this took.", "gauge")
        took.add_sample("nightdrop_metrics_seconds", {}, clock.monotonic() - began)
        yield took


def render(db: Database, now_ms: int) -> str:
    """All metrics of a database at this time (milliseconds since 1970). Blocks. Raises StorageFailed."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(db, now_ms))
    return generate_latest(registry).decode()
