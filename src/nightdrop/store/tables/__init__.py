"""Our tables, one file each. Migrations create them; a test proves that both say the same."""

from nightdrop.store.tables.audit import audit
from nightdrop.store.tables.batch_items import batch_items
from nightdrop.store.tables.batches import batches
from nightdrop.store.tables.blob_chunks import blob_chunks
from nightdrop.store.tables.dead_letters import dead_letters
from nightdrop.store.tables.documents import documents
from nightdrop.store.tables.executors import executors
from nightdrop.store.tables.listings import listings
from nightdrop.store.tables.metadata import metadata
from nightdrop.store.tables.model_calls import model_calls
from nightdrop.store.tables.providers import providers
from nightdrop.store.tables.rates import rate_shares, rates
from nightdrop.store.tables.reviews import reviews
from nightdrop.store.tables.run_files import run_files
from nightdrop.store.tables.runs import runs
from nightdrop.store.tables.schedule_files import schedule_files
from nightdrop.store.tables.schedule_runs import schedule_runs
from nightdrop.store.tables.schedules import schedules
from nightdrop.store.tables.sinks import sink_deliveries, sink_statements, sinks
from nightdrop.store.tables.steps import steps
from nightdrop.store.tables.submissions import submissions
from nightdrop.store.tables.telling import statements
from nightdrop.store.tables.tokens import tokens
from nightdrop.store.tables.webhooks import webhook_batches, webhook_deliveries, webhooks
from nightdrop.store.tables.workflows import workflows

__all__ = [
    "audit",
    "batch_items",
    "batches",
    "blob_chunks",
    "dead_letters",
    "documents",
    "executors",
    "listings",
    "metadata",
    "model_calls",
    "providers",
    "rate_shares",
    "rates",
    "reviews",
    "run_files",
    "runs",
    "schedule_files",
    "schedule_runs",
    "schedules",
    "sink_deliveries",
    "sink_statements",
    "sinks",
    "statements",
    "steps",
    "submissions",
    "tokens",
    "webhook_batches",
    "webhook_deliveries",
    "webhooks",
    "workflows",
]
