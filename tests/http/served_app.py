"""What the tests serve as a process: a quick agent, and with TEST_SLOW one whose model takes so many seconds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from nightdrop import Agent, AgentOS
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store.place import database_at


def slow_model() -> Any:
    """A model object; loading its library takes a second."""
    from pydantic_ai.messages import ModelResponse, TextPart
    from pydantic_ai.models.function import FunctionModel

    async def whole(_messages: Any, _info: Any) -> ModelResponse:
        await asyncio.sleep(float(os.environ["TEST_SLOW"]))
        return ModelResponse(parts=[TextPart("done")])

    async def in_pieces(_messages: Any, _info: Any) -> AsyncIterator[str]:
        await asyncio.sleep(float(os.environ["TEST_SLOW"]))
        yield "done"

    return FunctionModel(whole, stream_function=in_pieces)


def agents_on(db: Database) -> list[Agent]:
    quick = Agent(id="invoices", model="local", output_schema=Invoice, db=db)
    return [quick, Agent(id="slow", model=slow_model(), db=db)] if "TEST_SLOW" in os.environ else [quick]


if "TEST_DB" in os.environ:
    db = database_at(os.environ["TEST_DB"])
    agent_os = AgentOS(agents=agents_on(db), db=db)
