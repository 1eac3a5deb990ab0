"""Batches: a source of documents accepted in chunks, and its results as they finish."""

from nightdrop.batch.accept import BatchCall, accept_batch, documents_of, listing_of, open_batch_for
from nightdrop.batch.listings import Asked, Listings
from nightdrop.batch.posted import Posted
from nightdrop.batch.remember import ScheduleCall
from nightdrop.batch.results import stream_results

__all__ = [
    "Asked",
    "BatchCall",
    "Listings",
    "Posted",
    "ScheduleCall",
    "accept_batch",
    "documents_of",
    "listing_of",
    "open_batch_for",
    "stream_results",
]
