"""Metrics for Prometheus, counted from the rows: whichever process is asked answers for the whole database."""

from nightdrop.metrics.exposition import CONTENT_TYPE, render

__all__ = ["CONTENT_TYPE", "render"]
