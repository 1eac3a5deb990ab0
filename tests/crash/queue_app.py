"""The counted agent for messages that are held HOLD_SECONDS only; with GATE it reads on when that file is there."""

import os
import time
from pathlib import Path
from typing import Any

from pydantic import model_validator

from nightdrop import Agent
from nightdrop.intake import held, redis_stream, sqs
from nightdrop.store.place import database_at
from tests.crash.counting_app import Counted

for module in (held, redis_stream, sqs):
    module.HOLD_SECONDS = int(os.environ["HOLD_SECONDS"])


class Gated(Counted):
    """An invoice whose reading lasts as long as a test wants."""

    @model_validator(mode="before")
    @classmethod
    def wait(cls, data: Any) -> Any:
        """Say that the reading has begun, and wait."""
        if "GATE" in os.environ:
            gate = Path(os.environ["GATE"])
            gate.with_suffix(".begun").touch()
            while not gate.exists():
                time.sleep(0.02)
        return data


agent = Agent(id="counted", model="local", output_schema=Gated, db=database_at(os.environ["TEST_DB"]))
