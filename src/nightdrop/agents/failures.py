"""What a failed model call means: our error, and whether the provider may have billed it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator

from pydantic_ai import exceptions as ai

from nightdrop.errors import (
    AnswerRefused,
    AnswerTruncated,
    DocumentTooLong,
    ModelFailed,
    ModelNotFound,
    NightdropError,
    ProviderOverloaded,
    ProviderRefusedKey,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
)

_TABLE: tuple[tuple[type[Exception], type[ModelFailed]], ...] = (
    # most special first: isinstance decides
    (ai.ModelQuotaExceededError, QuotaExhausted),
    (ai.ModelRateLimitError, RateLimited),
    (ai.ModelAuthenticationError, ProviderRefusedKey),
    (ai.ModelNotFoundError, ModelNotFound),
    (ai.ModelContextWindowExceededError, DocumentTooLong),
    (ai.ModelRequestRejectedError, RequestRejected),
    (ai.ModelUnavailableError, ProviderUnavailable),
    (ai.ModelServerError, ProviderUnavailable),
    (ai.ModelConnectionError, ProviderUnavailable),
    (ai.ModelRequestTimeout, ProviderUnavailable),
    (ai.ContentFilterError, AnswerRefused),
    (ai.OutputTokenLimitExceeded, AnswerTruncated),
)
_BY_STATUS: dict[int, type[ModelFailed]] = {
    408: ProviderUnavailable,
    409: ProviderUnavailable,
    413: DocumentTooLong,
    429: RateLimited,
}
_SECRET = re.compile(r"\b(?:sk|gsk|rk|pk|xai|AIza)[-_A-Za-z0-9.*]{8,}|(?i:bearer)\s+\S{8,}")
_LARGER_THAN_WINDOW = re.compile(r"request too large", re.IGNORECASE)
_SECRET_NAMES = ("_API_KEY", "_TOKEN", "_SECRET")


def failure_of(error: Exception) -> ModelFailed:
    """Our error for one of the model layer's, with the provider's words and without any key in them."""
    message = without_keys(str(error))[:1000]
    retry_after = getattr(error, "retry_after", None)
    kind: type[ModelFailed] = ModelFailed
    status = error.status_code if isinstance(error, ai.ModelHTTPError) else None
    if status in _BY_STATUS and not isinstance(error, ai.ModelQuotaExceededError):
        kind = _BY_STATUS[status]
    else:
        kind = next((ours for theirs, ours in _TABLE if isinstance(error, theirs)), _by_default(status))
    if kind is ProviderUnavailable and (retry_after is not None or status == 529):
        kind = ProviderOverloaded
    if kind is RateLimited and retry_after is None and _LARGER_THAN_WINDOW.search(message):
        kind = DocumentTooLong  # waiting does not make it smaller
    return kind(message, retry_after=retry_after, raw_answer=_body(error))


def without_keys(text: str) -> str:
    """The text without the values of key variables and without what looks like a key."""
    for name, value in os.environ.items():
        if name.endswith(_SECRET_NAMES) and len(value) >= 8:
            text = text.replace(value, "[key]")
    return _SECRET.sub("[key]", text)


def may_be_billed(error: BaseException) -> bool:
    """True when the request may have left and no status came back: only the provider knows what it cost.

    The transport's word `connect` is not enough: with aiohttp a connection reset while waiting for the answer has it
    too. Only a refused connection or an unknown host is proof that nothing was sent.
    """
    if isinstance(error, ai.ModelHTTPError):
        return False
    never_sent = ConnectionRefusedError | socket.gaierror | NightdropError  # ours: raised before anything is sent
    return not any(isinstance(cause, never_sent) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from; aiohttp keeps the operating system's error in `os_error`."""
    while error is not None:
        yield error
        inner = getattr(error, "os_error", None)
        if isinstance(inner, BaseException):
            yield inner
        error = error.__cause__ or error.__context__


def _by_default(status: int | None) -> type[ModelFailed]:
    if status is None:
        return ModelFailed
    return ProviderUnavailable if status >= 500 else RequestRejected


def _body(error: Exception) -> str | None:
    return error.body if isinstance(error, ai.UnexpectedModelBehavior) else None
