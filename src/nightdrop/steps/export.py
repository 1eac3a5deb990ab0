"""What a workflow has come to, written where it shall go before the workflow goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nightdrop.errors import StepOutputInvalid, UsageError, WorkflowInvalid
from nightdrop.servers.credentials import refuse_password
from nightdrop.sinks.outbox_row import step_row
from nightdrop.sinks.put import put_rows, url_named
from nightdrop.workflows import StepInput, StepOutput


@dataclass(frozen=True)
class Export:
    """A step: puts the content before it where a sink can be, and passes it on, fields included.

    to: a URL as a sink takes it (a folder, a bucket, a table, an address), or `env:NAME`. of: the name of another step
    whose content is meant. returns: its schema; None: it goes on as JSON data.

    It is there when the step is COMPLETED: the row is put first, the step recorded then, and the run ends later still,
    so the row's status is EXPORTED. Killed between, the step puts the same row under the same key again, which changes
    nothing. A place that is down fails the step: give the Step `retries`.
    """

    to: str
    of: str | None = None
    returns: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.to, str) or not self.to:
            raise WorkflowInvalid(f"Export(to={self.to!r}): give the URL or the path of a sink")
        try:
            refuse_password(self.to)
        except UsageError as error:
            raise WorkflowInvalid(
                "Export: the URL holds a password: give to='env:NAME', and the URL in that variable"
            ) from error

    def __call__(self, given: StepInput) -> StepOutput[Any]:
        """The content as it is. Raises StepOutputInvalid when there is none, and what drivers and servers raise."""
        before = given.get_step_output(self.of) if self.of is not None else given.previous_step_output
        if before is None or before.data is None or given.run is None:
            raise StepOutputInvalid("Export: there is no content to put anywhere")
        row = step_row(given.run, given.path, before.data, before.fields)
        put_rows(url_named(self.to, f"step {given.path}"), [row])
        return StepOutput(before.data, fields=before.fields)
