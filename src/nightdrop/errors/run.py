"""What becomes of runs: the model, the reader, the database."""

from __future__ import annotations

from nightdrop.errors.root import NightdropError


class RunFailed(NightdropError):
    """The run ended in ERROR; `code` is the code of its error."""

    code = "run_failed"


class ModelFailed(NightdropError):
    """The model gave no usable answer. `raw_answer`: what it said, None when it said nothing."""

    code = "model_failed"
    http_status = 502

    def __init__(
        self, message: str | None = None, *, raw_answer: str | None = None, retry_after: float | None = None
    ) -> None:
        self.raw_answer = raw_answer
        self.retry_after = retry_after
        super().__init__(message)


class AnswerInvalid(ModelFailed):
    """The answer does not fit the output schema."""

    code = "answer_invalid"


class AnswerTruncated(ModelFailed):
    """The answer was cut off at the model's output limit."""

    code = "answer_truncated"


class AnswerRefused(ModelFailed):
    """The model or its content filter refused to answer."""

    code = "answer_refused"


class RateLimited(ModelFailed):
    """The provider answered 429: its rate limit is reached. Spends none of the document's attempts."""

    code = "rate_limited"
    retryable = True
    http_status = 429


class QuotaExhausted(ModelFailed):
    """The provider's account has no credit or quota left."""

    code = "quota_exhausted"
    retryable = True


class ProviderUnavailable(ModelFailed):
    """The provider failed, was overloaded, or could not be reached."""

    code = "provider_unavailable"
    retryable = True
    http_status = 503


class ProviderOverloaded(ModelFailed):
    """The provider asked to come back later: 529, or an error with a Retry-After. Spends none of the attempts."""

    code = "provider_overloaded"
    retryable = True
    http_status = 503


class ProviderPaused(ModelFailed):
    """Nothing is asked of the provider now: it is paused for every document.

    provider: what the run waits for, in the queue; None: it does not wait. plain: what somebody who waits for the run
    is told instead, None when nobody does.
    """

    code = "provider_paused"
    retryable = True
    http_status = 503

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after: float | None = None,
        provider: str | None = None,
        plain: ModelFailed | None = None,
    ) -> None:
        self.provider = provider
        self.plain = plain
        super().__init__(message, retry_after=retry_after)


class ProviderRefusedKey(ModelFailed):
    """The provider refused the key."""

    code = "provider_auth"


class ModelNotFound(ModelFailed):
    """The provider has no such model."""

    code = "model_not_found"


class DocumentNotSent(ModelFailed):
    """A document could not be put into the request to the model; nothing was sent."""

    code = "document_not_sent"


class RequestRejected(ModelFailed):
    """The provider rejected the request itself; sending it again cannot help."""

    code = "request_rejected"


class DocumentTooLong(ModelFailed):
    """The document is longer than the model can read at once."""

    code = "document_too_long"
    http_status = 413


class BudgetExceeded(NightdropError):
    """The call does not fit into what may be spent; it was not made.

    wait_seconds: when it is worth looking again, for a run that waits; None: the run ends. settles: it fits as soon as
    calls under way have cost less than they reserved. kind, key: of the bound, and budget: what it is called.
    """

    code = "budget_exceeded"
    retryable = True
    http_status = 402

    def __init__(
        self,
        message: str | None = None,
        *,
        wait_seconds: float | None = None,
        settles: bool = False,
        kind: str = "",
        key: str = "",
        budget: str = "",
    ) -> None:
        self.wait_seconds = wait_seconds
        self.settles = settles
        self.kind = kind
        self.key = key
        self.budget = budget
        super().__init__(message)


class Poisoned(NightdropError):
    """The processes that executed this document died, again and again: it is not tried any more."""

    code = "poisoned"


class ReviewRejected(NightdropError):
    """A person rejected the answer."""

    code = "review_rejected"
    http_status = 409


class WorkersFailed(NightdropError):
    """The worker processes could not be started."""

    code = "workers_failed"


class SourceUnreadable(NightdropError):
    """The source cannot be listed now: it cannot be reached, or refuses."""

    code = "source_unreadable"
    retryable = True
    http_status = 503


class StorageFailed(NightdropError):
    """The result could not be written to the database."""

    code = "storage_failed"
    retryable = True
    http_status = 503


class SchemaOutdated(NightdropError):
    """The database was written by a newer nightdrop: upgrade this installation."""

    code = "database_too_new"
    http_status = 503
