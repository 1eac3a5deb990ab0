"""One step: its tries, its timeout, and what becomes of it when none succeeds. Every try is recorded.

A step that is a workflow is one here when it has retries, a timeout or an on_error of its own. Its row says how a walk
through its steps ended; what they came to is in their rows. Another try of it keeps those that have ended well, and
gives those that failed as many tries again: `rounds` counts that.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nightdrop import clock
from nightdrop.errors import NightdropError, StepFailed, StepOutputInvalid, StepTimeout
from nightdrop.faults import reach
from nightdrop.pausing import at_step, pause
from nightdrop.records.field import FieldResult
from nightdrop.records.run_error import RunError
from nightdrop.records.step import StepResult, StepStatus
from nightdrop.workflows.call import call
from nightdrop.workflows.flow import Flow
from nightdrop.workflows.nodes import Step
from nightdrop.workflows.port import Asked, Port, let_through
from nightdrop.workflows.step_io import StepFile, StepInput, StepOutput

log = logging.getLogger("nightdrop.workflows")

_FIRST_WAIT, _LAST_WAIT = 0.2, 30.0  # seconds before another try


Inner = Callable[[int], Awaitable[Flow]]


@dataclass(slots=True, kw_only=True)
class _Leaf:
    """A step at a path. inner: the walk through the steps of one that is a workflow, in so many rounds.

    raw_answer: what a model said that failed it, while this process still knows.
    """

    port: Port
    step: Step
    path: str
    flow: Flow
    tries: list[StepResult]
    inner: Inner | None
    raw_answer: str | None = None


async def run_step(port: Port, step: Step, path: str, flow: Flow, rounds: int = 1, inner: Inner | None = None) -> Flow:
    """Behind the step. Raises StepFailed, or PauseRequested when a person is to decide."""
    leaf = _Leaf(port=port, step=step, path=path, flow=flow, tries=list(port.recorded(path)), inner=inner)
    allowed, granted = (1 + step.retries) * rounds, False
    while True:
        last = leaf.tries[-1] if leaf.tries else None
        if last is not None and last.status is not StepStatus.ERROR:
            return await _behind(leaf, last)
        if last is None or granted or (len(leaf.tries) < allowed and _can_help(step, last)):
            if last is not None and not granted:
                await asyncio.sleep(min(_LAST_WAIT, _FIRST_WAIT * 2 ** (len(leaf.tries) - 1)))
            granted = False
            leaf.tries.append(await _try(leaf, len(leaf.tries) + 1))
        elif _decided(leaf) == "retry":
            granted = True
        else:
            leaf.tries.append(await _let_go(leaf))


async def _behind(leaf: _Leaf, result: StepResult) -> Flow:
    if leaf.inner is not None and result.status is StepStatus.COMPLETED:
        return await leaf.inner(result.number)  # every step of it is recorded
    try:
        content = leaf.step.load(result.content)
    except NightdropError as error:
        raise StepFailed(f"step {leaf.path}: {error.message}", path=leaf.path, code=error.code) from error
    output = StepOutput(
        content=content,
        data=result.content,
        stop=result.stop,
        skipped=result.status is StepStatus.SKIPPED,
        error=result.error,
        fields=result.fields,
    )
    flow = leaf.flow.after(leaf.step.name, output, result.state)
    return flow.with_files((result.detail or {}).get("files"))


def _can_help(step: Step, last: StepResult) -> bool:
    """Whether trying again can: an agent has made its own tries already, and says so."""
    return step.kind != "agent" or last.error is None or last.error.retryable


def _decided(leaf: _Leaf) -> str:
    """What to do with a step that has no try left. Raises StepFailed, or PauseRequested to ask a person."""
    error = leaf.tries[-1].error or RunError(code="step_failed", message="")
    if leaf.step.on_error == "skip":
        return "skip"
    if leaf.step.on_error == "pause":
        with at_step(leaf.path):
            answer = pause(
                f"Step {leaf.path} failed: {error.message.rstrip('.')}. Answer retry, skip or fail.",
                code=error.code,
                tries=len(leaf.tries),
                attempt=leaf.tries[-1].attempt,
            )
        if answer in ("retry", "skip"):
            return str(answer)
    raise StepFailed(
        error.message if error.message.startswith(f"step {leaf.path}/") else f"step {leaf.path}: {error.message}",
        path=leaf.path,
        code=error.code,
        retryable=error.retryable,
        raw_answer=leaf.raw_answer,
    )


async def _let_go(leaf: _Leaf) -> StepResult:
    """Record that the workflow goes on without this step's content."""
    last = leaf.tries[-1]
    now = clock.to_datetime(clock.now_ms())
    skipped = replace(
        last, number=last.number + 1, status=StepStatus.SKIPPED, started_at=now, completed_at=now, state=None
    )
    return await leaf.port.record(skipped)


async def _try(leaf: _Leaf, number: int) -> StepResult:
    """One try, recorded; its failure is a result too."""
    leaf.port.started(leaf.path)
    begun = clock.now_ms()
    result = StepResult(
        path=leaf.path,
        kind=leaf.step.kind,
        status=StepStatus.ERROR,
        number=number,
        started_at=clock.to_datetime(begun),
    )
    limit = asyncio.timeout(leaf.step.timeout)
    try:
        async with limit:
            with at_step(leaf.path):
                found = await _result(leaf, number)
        result = replace(result, status=StepStatus.COMPLETED, **found)
    except let_through(leaf.port):
        raise
    except TimeoutError as error:
        late = StepTimeout(f"it took longer than its timeout of {leaf.step.timeout} s")
        result = replace(result, error=_error_of(late if limit.expired() else error, leaf))
    except Exception as error:  # noqa: BLE001 - the edge of the user's step
        result = replace(result, error=_error_of(error, leaf))
    reach("step.done")
    return await leaf.port.record(replace(result, completed_at=clock.to_datetime(max(begun, clock.now_ms()))))


def _error_of(error: Exception, leaf: _Leaf) -> RunError:
    leaf.raw_answer = getattr(error, "raw_answer", None)
    if isinstance(error, NightdropError):
        return RunError(code=error.code, message=error.message, retryable=error.retryable)
    log.warning("step %s failed", leaf.path, exc_info=error)
    return RunError(code=StepFailed.code, message=f"{type(error).__name__}: {error}")


async def _result(leaf: _Leaf, number: int) -> dict[str, Any]:
    """Content, fields, state and stop of one try, as JSON data."""
    if leaf.inner is not None:
        await leaf.inner(number)
        return {}
    given = leaf.flow.step_input(leaf.path)
    if leaf.step.agent is not None:
        wanted = leaf.step.message
        said = str(await call(wanted, given)) if callable(wanted) else wanted
        asked = Asked(
            agent=leaf.step.agent,
            path=leaf.path,
            number=number,
            message=_message(leaf.flow) if said is None else said,
            files=await _files(leaf, given),
        )
        answer = await leaf.port.ask(asked)
        return {"content": answer.content, "fields": answer.fields, "detail": answer.detail}
    assert leaf.step.executor is not None
    assert leaf.step.content is not None
    found = await call(leaf.step.executor, given)
    output = found if isinstance(found, StepOutput) else StepOutput(content=found)
    fields: Mapping[str, FieldResult] = output.fields
    return {
        "content": leaf.step.content.dump(output.content),
        "fields": dict(fields),
        "detail": None if output.files is None else {"files": leaf.flow.names_of(output.files)},
        "stop": output.stop,
        "state": None if given.state == leaf.flow.state else _state(given.state),
    }


async def _files(leaf: _Leaf, given: StepInput) -> tuple[StepFile, ...]:
    """The documents that an agent is asked about. Raises StepOutputInvalid when none has the label."""
    wanted = leaf.step.files
    if wanted is None:
        return given.files
    found = (
        [file for file in given.files if file.label == wanted]
        if isinstance(wanted, str)
        else list(await call(wanted, given))
    )
    if not found:
        raise StepOutputInvalid(f"no document is meant by files={wanted!r}: the agent is not asked without one")
    return tuple(found)


def _state(state: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(json.dumps(state, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StepOutputInvalid(f"the state takes JSON data: {error}") from error
    return found


def _message(flow: Flow) -> str:
    """What an agent is asked: the content of the step before, as text; the run's message where there is none."""
    data = flow.last.data
    if data is None:
        return flow.input
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
