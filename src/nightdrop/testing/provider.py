"""The simulated provider: in this process (`with SimulatedProvider() as provider`) or as a command.

`python -m nightdrop.testing.provider --port 8089` serves until SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from nightdrop.errors import UsageError
from nightdrop.testing.answers import Answers, AnswersGiven
from nightdrop.testing.exchange import Exchange
from nightdrop.testing.faults import FaultPlan, FaultsGiven
from nightdrop.testing.http_server import HttpServer
from nightdrop.testing.latency import Latency
from nightdrop.testing.limits import Limits
from nightdrop.testing.meter import Meter
from nightdrop.testing.routes import Routes
from nightdrop.testing.timing import Timing
from nightdrop.testing.tool_script import ToolCall

T = TypeVar("T")


class SimulatedProvider:
    """A server on 127.0.0.1 that speaks OpenAI's and Anthropic's protocols, for sync and async tests.

    It runs in a thread of its own.

    answers: a table, a function, or Answers. latency: seconds, or a Latency. faults: a FaultPlan, a list of Fault, or
    {nth call or sha256: kind}. limits: hidden limits. tools: calls that the model makes before it answers.
    meter: a Meter with a price or a file of its own. port 0: any free one. timing: another clock, for unit tests.
    """

    def __init__(
        self,
        *,
        answers: AnswersGiven = None,
        latency: float | Latency = 0.0,
        faults: FaultsGiven = None,
        limits: Limits | None = None,
        tools: Sequence[ToolCall] = (),
        meter: Meter | None = None,
        port: int = 0,
        timing: Timing | None = None,
    ) -> None:
        self.meter = meter or Meter()
        self._limits = limits or Limits()
        self._faults = FaultPlan.of(faults)
        self._answers = Answers.of(answers)
        self._latency = latency if isinstance(latency, Latency) else Latency.fixed(latency)
        self._tools = tuple(tools)
        self._asked_port = port
        self._timing = timing or Timing()
        self._exchange: Exchange | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._port is None:
            raise UsageError("the simulated provider is not running: use `with SimulatedProvider() as provider:`")
        return self._port

    @property
    def url(self) -> str:
        """The root of the server: `/_meter`, `/_limits` and `/_faults` are below it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as its base URL."""
        return f"{self.url}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make OpenAI clients, in this or another process, talk to it."""
        return {"OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": "simulated"}

    @property
    def anthropic_environment(self) -> dict[str, str]:
        """The variables that make Anthropic clients talk to it; one provider may be both."""
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": "simulated"}

    @property
    def in_flight(self) -> int:
        """Calls that were admitted and are not over."""
        return 0 if self._exchange is None else self._exchange.in_flight

    def start(self) -> Self:
        """Listen, in a background thread; returns when the port is open. Raises OSError when it is taken."""
        if self._thread is not None:
            raise UsageError("the simulated provider is running already")
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="simulated-provider", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise
        return self

    def stop(self) -> None:
        """Drop every connection, end the thread, close the meter's file. The meter stays readable."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def set_limits(self, limits: Limits) -> None:
        """Use other hidden limits from now on."""
        self._limits = limits
        self._on_loop(lambda exchange: exchange.gate.change(limits))

    def set_faults(self, faults: FaultsGiven) -> None:
        """Use another fault plan from now on; its counts start anew. None: no faults."""
        plan = self._faults = FaultPlan.of(faults)
        self._on_loop(lambda exchange: setattr(exchange, "faults", plan))

    def set_answers(self, answers: AnswersGiven) -> None:
        """Answer from another table or function from now on."""
        found = self._answers = Answers.of(answers)
        self._on_loop(lambda exchange: setattr(exchange, "answers", found))

    def wait_idle(self, timeout: float = 30.0) -> None:
        """Wait until no call is in flight, so that the meter is complete; TimeoutError after `timeout` seconds."""
        if self._exchange is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._exchange.wait_idle(), self._loop).result(timeout)

    async def serve(self, started: Callable[[int], None], stop: asyncio.Event) -> None:
        """Serve on this event loop until `stop` is set; `started` is called with the port."""
        exchange = Exchange(
            answers=self._answers,
            latency=self._latency,
            limits=self._limits,
            faults=self._faults,
            tools=self._tools,
            meter=self.meter,
            timing=self._timing,
        )
        server = HttpServer(Routes(exchange))
        self._port = await server.listen(self._asked_port)
        self._exchange, self._loop, self._stop = exchange, asyncio.get_running_loop(), stop
        try:
            started(self._port)
            await stop.wait()
        finally:
            await server.close()
            self.meter.close()
            self._port = self._exchange = self._loop = self._stop = None

    def _run(self, ready: Future[int]) -> None:
        async def main() -> None:
            await self.serve(ready.set_result, asyncio.Event())

        try:
            asyncio.run(main())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    def _on_loop(self, change: Callable[[Exchange], T]) -> None:
        """Change the running exchange on its own thread, and wait for it; nothing to do when it is not running."""
        loop, exchange = self._loop, self._exchange
        if loop is None or exchange is None:
            return

        async def apply() -> T:
            return change(exchange)

        asyncio.run_coroutine_threadsafe(apply(), loop).result()


if __name__ == "__main__":
    from nightdrop.testing.command import main

    sys.exit(main())
