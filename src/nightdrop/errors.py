"""Every error nightdrop raises: one root, a stable `code`, and one table for CLI, API and ledger.

The docstring of a class is its default message. `code` never changes once released.
"""

from __future__ import annotations

import inspect


class NightdropError(Exception):
    """Something went wrong inside nightdrop."""

    code = "internal"
    retryable = False
    http_status = 500

    def __init__(self, message: str | None = None, *, code: str | None = None) -> None:
        self.message = message or inspect.cleandoc(self.__doc__ or "").split("\n")[0]
        if code is not None:
            self.code = code
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


# -- wrong calls ---------------------------------------------------------------------------------


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


class AgentNotFound(UsageError):
    """There is no such agent."""

    code = "agent_not_found"
    http_status = 404


class RunNotFound(UsageError):
    """There is no such run."""

    code = "run_not_found"
    http_status = 404


class BatchNotFound(UsageError):
    """There is no such batch."""

    code = "batch_not_found"
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


class ModelUnknown(UsageError):
    """There is no such model or provider."""

    code = "model_unknown"


# -- input that cannot be used -------------------------------------------------------------------


class InputError(NightdropError):
    """The document cannot be used."""

    code = "input_invalid"
    http_status = 422


class FileMissing(InputError):
    """There is no file at this path."""

    code = "file_not_found"


class FileUnreadable(InputError):
    """The file is there but cannot be read."""

    code = "file_unreadable"


class FileEmpty(InputError):
    """The file has no bytes."""

    code = "file_empty"


class FileTooLarge(InputError):
    """The file is larger than the limit (NIGHTDROP_MAX_FILE_MB)."""

    code = "file_too_large"
    http_status = 413


class FileTypeUnsupported(InputError):
    """This type of file is not supported."""

    code = "file_type_unsupported"
    http_status = 415


class FileTypeMismatch(InputError):
    """The file's content is not what its name or declared type says."""

    code = "file_type_mismatch"
    http_status = 415


class FileCorrupt(InputError):
    """The file is damaged and cannot be opened."""

    code = "file_corrupt"


class FileEncrypted(InputError):
    """The file is protected by a password."""

    code = "file_encrypted"


class PdfCorrupt(InputError):
    """The PDF is damaged and cannot be opened."""

    code = "pdf_corrupt"


class PdfEncrypted(InputError):
    """The PDF is protected by a password."""

    code = "pdf_encrypted"


class PdfNoPages(InputError):
    """The PDF has no pages."""

    code = "pdf_no_pages"


class DocumentTooComplex(InputError):
    """Reading the document took more time or memory than allowed."""

    code = "document_too_complex"


class NoText(InputError):
    """The document has no text layer: it is a scan. Configure a model that reads images, such as model="openai:..."."""

    code = "no_text"


class ReaderFailed(NightdropError):
    """Reading the document failed for a reason of the reader's own."""

    code = "reader_failed"


class SchemaTooFree(InputError):
    """The local reader cannot fill this schema: it asks for prose. Configure a model, such as model="openai:..."."""

    code = "schema_needs_model"


# -- the run itself ------------------------------------------------------------------------------


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


class ProviderRefusedKey(ModelFailed):
    """The provider refused the key."""

    code = "provider_auth"


class ModelNotFound(ModelFailed):
    """The provider has no such model."""

    code = "model_not_found"


class RequestRejected(ModelFailed):
    """The provider rejected the request itself; sending it again cannot help."""

    code = "request_rejected"


class DocumentTooLong(ModelFailed):
    """The document is longer than the model can read at once."""

    code = "document_too_long"
    http_status = 413


class StorageFailed(NightdropError):
    """The result could not be written to the database."""

    code = "storage_failed"
    retryable = True
    http_status = 503


class SchemaOutdated(NightdropError):
    """The database was written by a newer nightdrop: upgrade this installation."""

    code = "database_too_new"
    http_status = 503


def input_error(code: str, message: str) -> InputError:
    """The InputError subclass whose code is `code`, with this message (used to rebuild one that crossed a process)."""
    for kind in _every_subclass(InputError):
        if kind.code == code and issubclass(kind, InputError):
            return kind(message)
    return InputError(message, code=code)


def every_error() -> list[type[NightdropError]]:
    """All error classes, the root first: what the reference page and its test walk."""
    return [NightdropError, *_every_subclass(NightdropError)]


def _every_subclass(root: type[NightdropError]) -> list[type[NightdropError]]:
    found: list[type[NightdropError]] = []
    for kind in root.__subclasses__():
        found.append(kind)
        found.extend(_every_subclass(kind))
    return found
