"""DBOS in this process: started on our database with our names, and the few of its calls that we use.

DBOS owns who executes and which steps are recorded. It allows one instance per process, so there is one host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions, SetWorkflowID

from nightdrop.engine.serializer import JsonSerializer
from nightdrop.errors import StorageFailed
from nightdrop.records.request import Claimed

log = logging.getLogger("nightdrop.engine")

NAME = "nightdrop"
_APPLICATION_VERSION = "nightdrop-1"  # ours: DBOS would hash workflow source and strand open runs at every release
_WORKFLOW = "nightdrop.run"
_POLL_SECONDS = 0.5  # a poll is 2 ms of CPU; the pump keeps two more runs waiting for each that runs, and starts some
_LIVE = ("ENQUEUED", "DELAYED", "PENDING", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

Body = Callable[[str, int], Awaitable[None]]
_body: Body | None = None


@DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
async def _run_attempt(run_id: str, attempt: int) -> None:
    """The durable workflow of one attempt: its body is the engine's, which never raises and ends the run's row."""
    if _body is None:
        raise asyncio.CancelledError  # the engine is stopping: leave the attempt open for the next process
    await _body(run_id, attempt)


class DbosHost:
    """One running DBOS instance with one queue of its own, named after the executor."""

    def __init__(self, engine: sa.Engine, executor_id: str, window: int) -> None:
        self._engine = engine
        self._executor_id = executor_id
        self._window = window
        self._queue = f"nightdrop-{executor_id}"
        self._client: DBOSClient | None = None

    async def start(self, body: Body) -> None:
        """Launch DBOS on the running event loop: its workflows run there. `body` executes an attempt."""
        global _body
        try:
            await asyncio.to_thread(self.open_queue)
        except sa.exc.DBAPIError as error:
            raise StorageFailed(f"the engine cannot start: {error.orig}") from error
        DBOS(
            config={
                "name": NAME,
                "system_database_url": self._url,
                "system_database_engine": self._engine,
                "executor_id": self._executor_id,
                "application_version": _APPLICATION_VERSION,
                "serializer": JsonSerializer(),
                "log_level": "ERROR",
                "use_listen_notify": False,
                "scheduler_polling_interval_sec": 30.0,
                "max_executor_threads": 16,  # short writes only; without a bound every run in flight gets a thread
                "notification_listener_polling_interval_sec": 0.2,  # how long closing waits for that thread
            }
        )
        _to_logging()
        DBOS.listen_queues([self._queue])
        DBOS.launch()  # on this loop's thread: DBOS adopts the running loop for its async workflows
        _body = body

    def open_queue(self) -> None:
        """Make our queue before the launch: DBOS looks for new queues only once a second."""
        if self._client is None:
            # On Postgres another process may be in the middle of it: DBOS looks itself, and waits for its own lock.
            if self._engine.dialect.name != "sqlite" or not sa.inspect(self._engine).has_table("queues"):
                DBOS.migrate(self._url)
            self._client = DBOSClient(
                system_database_engine=self._engine, serializer=JsonSerializer(), application_name=NAME
            )
        self._client.register_queue(
            self._queue,
            worker_concurrency=self._window,
            polling_interval_sec=_POLL_SECONDS,
            on_conflict="always_update",
        )

    async def run_now(self, run_id: str, attempt: int) -> None:
        """Start an attempt here at once, without the queue."""
        with SetWorkflowID(_workflow_id(run_id, attempt)):
            await DBOS.start_workflow_async(_run_attempt, run_id, attempt)

    def enqueue(self, connection: sa.Connection, run: Claimed) -> None:
        """Enqueue an attempt in the caller's transaction: the row and its enqueue commit together."""
        self._dbos_client.enqueue_in_transaction(
            connection, self._options(_workflow_id(run.run_id, run.attempt)), run.run_id, run.attempt
        )

    def resume(self, taken: Sequence[Claimed]) -> None:
        """Take over attempts that another executor had begun: their recorded steps are kept.

        One that DBOS does not hold as open (its process died before DBOS heard of it) is enqueued afresh. So is one
        that was paused: its workflow may end between the look and the resume, which then silently does nothing.
        """
        client = self._dbos_client
        ids = {_workflow_id(t.run_id, t.attempt): t for t in taken}
        known = {w.workflow_id: w.status for w in client.list_workflows(workflow_ids=list(ids), load_input=False)}
        live = [i for i, run in ids.items() if known.get(i) in _LIVE and not run.continued]
        if live:
            client.resume_workflows(live, queue_name=self._queue)
        for workflow_id, run in ids.items():
            if workflow_id not in live:
                fresh = workflow_id if workflow_id not in known else f"{workflow_id}.{run.dispatches}"
                client.enqueue(self._options(fresh), run.run_id, run.attempt)

    def waiting(self, run_ids: Sequence[str]) -> set[str]:
        """Which of these runs have an attempt in this executor's queue, so that DBOS will start it here."""
        found = self._dbos_client.list_workflows(
            workflow_id_prefix=[f"{run_id}:" for run_id in run_ids],
            queue_name=self._queue,
            status=["ENQUEUED", "DELAYED"],
            load_input=False,
            load_output=False,
        )
        return {workflow.workflow_id.partition(":")[0] for workflow in found}

    def refuse(self) -> None:
        """Begin nothing more here: what DBOS starts from now on stays open for the next process."""
        global _body
        _body = None

    def forget_queue(self, executor_id: str) -> None:
        """Drop the queue of an executor that is gone."""
        self._dbos_client.delete_queue(f"nightdrop-{executor_id}")

    async def stop(self) -> None:
        """End DBOS in this process; open attempts stay open in the database."""
        self.refuse()
        await asyncio.to_thread(self._stop)
        # DBOS gave this loop its own thread pool and has shut it down: the loop outlives it.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="nightdrop-loop"))

    def _stop(self) -> None:
        client, self._client = self._client, None
        try:
            if client is not None:
                client.delete_queue(self._queue)
        except sa.exc.DBAPIError as error:
            log.warning("the queue %s stays behind, empty: %s", self._queue, error.orig)
        finally:
            if client is not None:
                client.destroy()
            DBOS.destroy()

    @property
    def _url(self) -> str:
        return self._engine.url.render_as_string(hide_password=False)

    @property
    def _dbos_client(self) -> DBOSClient:
        if self._client is None:
            raise RuntimeError("the engine is not running")
        return self._client

    def _options(self, workflow_id: str) -> EnqueueOptions:
        return {
            "workflow_name": _WORKFLOW,
            "queue_name": self._queue,
            "workflow_id": workflow_id,
            "app_version": _APPLICATION_VERSION,
        }


def _workflow_id(run_id: str, attempt: int) -> str:
    return f"{run_id}:{attempt}"


def _to_logging() -> None:
    """DBOS prints by itself; a library does not. Its messages go to `logging` like ours."""
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
