"""An agent that is asked the run's own message about documents of one kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nightdrop.workflows import Step, StepInput
from nightdrop.workflows.nodes import OnError


class Extract(Step):
    """A step: asks an agent what the run was asked, about the documents with this label, all of them in one call.

    A plain `Step(agent=...)` asks the content of the step before, which is a list of labels behind `Split` and
    `Classify`. name: default: the label, as a `Router` by label picks it. message: what else is asked, as in Step.
    """

    def __init__(
        self,
        agent: Any,
        label: str | None = None,
        *,
        name: str | None = None,
        message: str | Callable[[StepInput], str] | None = None,
        retries: int = 0,
        timeout: float | None = None,
        on_error: OnError = "fail",
    ) -> None:
        super().__init__(
            name or label,
            agent=agent,
            files=label,
            message=_of_the_run if message is None else message,
            retries=retries,
            timeout=timeout,
            on_error=on_error,
        )


def _of_the_run(given: StepInput) -> str:
    return given.input
