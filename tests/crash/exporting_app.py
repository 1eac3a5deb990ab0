"""A workflow that reads a document's number, puts it where EXPORT_TO says, and goes on; each step writes a line."""

import os

from nightdrop import Step, StepInput, Workflow
from nightdrop.steps import Export
from nightdrop.store.place import database_at


def ran(step: str, number: str) -> None:
    """Append to the log, in one write."""
    log = os.open(os.environ["EXECUTION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, f"{step}-{number}\n".encode())
    os.close(log)


def read(given: StepInput) -> dict[str, str]:
    """The document's own number."""
    number = given.files[0].read().decode().split("INV-")[1][:5]
    ran("read", number)
    return {"number": number}


def last(given: StepInput) -> dict[str, str]:
    """Behind the export."""
    content = dict(given.previous_step_content)
    ran("last", content["number"])
    return content


workflow = Workflow(
    id="exporting",
    steps=[read, Step("export", executor=Export("env:EXPORT_TO")), last],
    db=database_at(os.environ["TEST_DB"]),
)
