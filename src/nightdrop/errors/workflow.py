"""Workflows: what is wrong with how one is built, and how its steps fail."""

from __future__ import annotations

from nightdrop.errors.root import NightdropError
from nightdrop.errors.usage import UsageError


class WorkflowInvalid(UsageError):
    """The workflow cannot run as it is built."""

    code = "workflow_invalid"


class StepNotFound(UsageError):
    """The run has recorded no such step."""

    code = "step_not_found"
    http_status = 404


class StepFailed(NightdropError):
    """A step of a workflow failed. `path`: which. `code` is that of what went wrong, where that has one."""

    code = "step_failed"

    def __init__(
        self,
        message: str | None = None,
        *,
        path: str = "",
        code: str | None = None,
        retryable: bool = False,
        raw_answer: str | None = None,
    ) -> None:
        self.path = path
        self.retryable = retryable
        self.raw_answer = raw_answer
        super().__init__(message, code=code)


class StepTimeout(NightdropError):
    """A step of a workflow took longer than its timeout."""

    code = "step_timeout"
    retryable = True


class StepOutputInvalid(NightdropError):
    """A step returned what cannot be recorded."""

    code = "step_output_invalid"
