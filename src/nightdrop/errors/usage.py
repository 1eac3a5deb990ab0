"""Wrong calls: what the caller must change."""

from nightdrop.errors.root import NightdropError


class UsageError(NightdropError):
    """The call cannot be understood."""

    code = "bad_argument"
    http_status = 422


class DatabaseRequired(UsageError):
    """This needs a database: give the agent db=SqliteDb("nightdrop.db")."""

    code = "database_required"


class DatabaseConflict(UsageError):
    """This process already runs on another database; close that one first with db.close()."""

    code = "database_conflict"


class RunNotFound(UsageError):
    """There is no such run."""

    code = "run_not_found"
    http_status = 404


class RunInReview(UsageError):
    """The run waits for decisions about single values, not for an answer."""

    code = "run_in_review"
    http_status = 409


class ReviewNotFound(UsageError):
    """There is no review with this id."""

    code = "review_not_found"
    http_status = 404


class ReviewDecided(UsageError):
    """Somebody else has decided this review."""

    code = "review_decided"
    http_status = 409


class ReviewOutdated(UsageError):
    """The run of this review does not wait for it any more."""

    code = "review_outdated"
    http_status = 409


class CorrectionInvalid(UsageError):
    """The corrected value does not fit the output schema."""

    code = "correction_invalid"
    http_status = 422


class RunNotPaused(UsageError):
    """The run is not PAUSED: there is nothing to answer."""

    code = "run_not_paused"
    http_status = 409


class LetterNotFound(UsageError):
    """There is no dead letter with this id."""

    code = "dead_letter_not_found"
    http_status = 404


class LetterOutdated(UsageError):
    """The dead letter's run has gone on since: there is nothing left to replay."""

    code = "dead_letter_outdated"
    http_status = 409


class LetterWithoutBytes(UsageError):
    """The store has no bytes of the dead letter's document: hand the file in again."""

    code = "dead_letter_without_bytes"
    http_status = 409


class DocumentNotFound(UsageError):
    """There is no document with this sha256."""

    code = "document_not_found"
    http_status = 404


class DocumentInUse(UsageError):
    """A run over the document is open: cancel it first."""

    code = "document_in_use"
    http_status = 409


class BatchNotFound(UsageError):
    """There is no such batch."""

    code = "batch_not_found"
    http_status = 404


class SinkNotFound(UsageError):
    """There is no such sink."""

    code = "sink_not_found"
    http_status = 404


class SinkExists(UsageError):
    """There is a sink of this name."""

    code = "sink_exists"
    http_status = 409


class BatchClosed(UsageError):
    """The batch takes no documents: it has a source, was closed, or was cancelled."""

    code = "batch_closed"
    http_status = 409


class ScheduleNotFound(UsageError):
    """There is no such schedule."""

    code = "schedule_not_found"
    http_status = 404


class ScheduleExists(UsageError):
    """There is a schedule of this name: give if_exists="update" or "skip", or another name."""

    code = "schedule_exists"
    http_status = 409


class ScheduleInvalid(UsageError):
    """A field of the schedule is wrong; `field` names it."""

    code = "schedule_invalid"

    def __init__(self, message: str | None = None, *, field: str = "") -> None:
        self.field = field
        super().__init__(f"{field}: {message}" if field else message)


class WebhookNotFound(UsageError):
    """There is no such webhook."""

    code = "webhook_not_found"
    http_status = 404


class WebhookExists(UsageError):
    """There is a webhook of this address: delete it first."""

    code = "webhook_exists"
    http_status = 409


class DeliveryNotFound(UsageError):
    """There is no such delivery of a webhook, or none of this run on its way to a sink."""

    code = "delivery_not_found"
    http_status = 404


class SourceNotFound(UsageError):
    """The source names no file, folder, glob or manifest that exists."""

    code = "source_not_found"


class SchemaInvalid(UsageError):
    """The output schema is neither a pydantic model nor a valid JSON schema."""

    code = "schema_invalid"


class ExtraMissing(UsageError):
    """An optional part of nightdrop is needed and not installed."""

    code = "extra_missing"


class ProviderNotConfigured(UsageError):
    """The model's provider has no key or address."""

    code = "provider_not_configured"


class ProviderNotPaused(UsageError):
    """The provider is not paused: there is nothing to resume."""

    code = "provider_not_paused"
    http_status = 409


class ModelUnknown(UsageError):
    """There is no such model or provider."""

    code = "model_unknown"


class PriceUnknown(UsageError):
    """There is a budget, and nobody knows what the model costs."""

    code = "price_unknown"
