"""Requests that the HTTP service does not do."""

from nightdrop.errors.root import NightdropError
from nightdrop.errors.usage import UsageError


class RouteNotFound(UsageError):
    """There is no such route."""

    code = "route_not_found"
    http_status = 404


class MethodNotAllowed(UsageError):
    """The route does not take this method."""

    code = "method_not_allowed"
    http_status = 405


class RequestTooLarge(UsageError):
    """The request is larger than the service takes."""

    code = "request_too_large"
    http_status = 413


class MediaTypeUnsupported(UsageError):
    """The request's body has a type that the route does not take."""

    code = "media_type_unsupported"
    http_status = 415


class HostRefused(UsageError):
    """The request did not come from this machine under a name of this machine, and there are no tokens."""

    code = "host_refused"
    http_status = 403


class NotAuthenticated(UsageError):
    """The request has no token, or one that is not known or was revoked."""

    code = "not_authenticated"
    http_status = 401


class ScopeMissing(UsageError):
    """The token does not allow this."""

    code = "scope_missing"
    http_status = 403


class TooManyRequests(UsageError):
    """The token has made more requests than it may in a minute. retry_after: seconds until it may again."""

    code = "too_many_requests"
    retryable = True
    http_status = 429

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TokenNotFound(UsageError):
    """There is no such token."""

    code = "token_not_found"
    http_status = 404


class KeyReused(UsageError):
    """The idempotency key was given to another submission."""

    code = "idempotency_key_reused"
    http_status = 422


class AgentNotFound(UsageError):
    """The service has no such agent."""

    code = "agent_not_found"
    http_status = 404


class WorkflowNotFound(UsageError):
    """The service has no such workflow."""

    code = "workflow_not_found"
    http_status = 404


class RunNotEnded(UsageError):
    """Only a run that ended in ERROR or CANCELLED can be tried again."""

    code = "run_not_retryable"
    http_status = 409


class ServiceStopping(NightdropError):
    """The service is being stopped: ask again."""

    code = "service_stopping"
    retryable = True
    http_status = 503
