"""An agent whose schema writes a line for each answer it validates: how the crash suite counts executions."""

import os
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, model_validator

from nightdrop import Agent
from nightdrop.store.place import database_at


class Counted(BaseModel):
    """Two fields of an invoice, counted when they are read."""

    invoice_number: str | None = None
    total: Decimal | None = None

    @model_validator(mode="before")
    @classmethod
    def count(cls, data: Any) -> Any:
        """Append the document's number to the log, in one write.

        SLOW_SECONDS makes documents last; the one named by DEADLY kills the process, by REFUSED is refused.
        """
        if data["invoice_number"] == os.environ.get("DEADLY"):
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(60)  # another thread takes the signal: this one must not go on meanwhile
        if data["invoice_number"] == os.environ.get("REFUSED"):
            raise ValueError("refused by a test")
        if "SLOW_SECONDS" in os.environ:
            Path(os.environ["EXECUTION_LOG"]).with_suffix(".slow").touch()
            time.sleep(float(os.environ["SLOW_SECONDS"]))
        log = os.open(os.environ["EXECUTION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, f"{data['invoice_number']}\n".encode())
        os.close(log)
        return data


agent = Agent(
    id="counted",
    model="local",
    output_schema=Counted,
    instructions=os.environ.get("INSTRUCTIONS"),
    db=database_at(os.environ["TEST_DB"]),
)
