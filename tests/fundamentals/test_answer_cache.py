"""`cache=True`: a run over what was answered already is given that answer; nothing is asked again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from nightdrop import Agent, RunStatus
from nightdrop.retention import forget
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import Fault, SimulatedProvider
from tests.fundamentals.conftest import MESSAGE, document


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def caching(db: Database, provider: SimulatedProvider) -> Callable[..., Agent]:
    """Makes agents of one id."""
    name = f"caching-{uuid.uuid4().hex[:8]}"

    def make(*, cache: bool = True, instructions: str | None = None) -> Agent:
        return Agent(
            id=name,
            model="openai-chat:gpt-4o-mini",
            output_schema=Invoice,
            instructions=instructions,
            cache=cache,
            db=db,
        )

    return make


def calls(provider: SimulatedProvider) -> int:
    return provider.meter.totals().calls


def test_the_same_input_is_answered_once(caching: Callable[..., Agent], provider: SimulatedProvider) -> None:
    """The second run is a run of its own, costs nothing and says where its answer comes from."""
    agent = caching()
    first = agent.run(MESSAGE, files=[document(1)])
    second = agent.run(MESSAGE, files=[document(1)])
    assert calls(provider) == 1
    assert (second.status, second.content) == (RunStatus.COMPLETED, first.content)
    assert (first.cached_from, second.cached_from) == (None, first.run_id)
    assert (second.metrics.cost, second.metrics.model_calls) == (0, 0)
    assert agent.get_run_output(second.run_id) == second != first
    assert agent.run(MESSAGE, files=[document(1)]).cached_from == first.run_id, "never a copy of a copy"


def test_another_document_message_or_revision_is_asked_anew(
    caching: Callable[..., Agent], provider: SimulatedProvider
) -> None:
    agent = caching()
    agent.run(MESSAGE, files=[document(1)])
    assert agent.run(MESSAGE, files=[document(2)]).cached_from is None
    assert agent.run("And the total?", files=[document(1)]).cached_from is None
    assert agent.run(MESSAGE, files=[document(1), document(2)]).cached_from is None
    assert caching(instructions="In French.").run(MESSAGE, files=[document(1)]).cached_from is None
    assert calls(provider) == 5


def test_a_message_without_documents_is_asked_each_time(
    caching: Callable[..., Agent], provider: SimulatedProvider
) -> None:
    agent = caching()
    assert [agent.run("How are you?").cached_from for _ in range(2)] == [None, None]
    assert calls(provider) == 2


def test_rerun_and_agents_without_a_cache_ask(caching: Callable[..., Agent], provider: SimulatedProvider) -> None:
    caching().run(MESSAGE, files=[document(1)])
    assert caching().run(MESSAGE, files=[document(1)], rerun=True).cached_from is None
    assert caching(cache=False).run(MESSAGE, files=[document(1)]).cached_from is None
    assert calls(provider) == 3


def test_only_what_completed_is_an_answer(caching: Callable[..., Agent], provider: SimulatedProvider) -> None:
    agent = caching()
    provider.set_faults([Fault(kind="refusal", first=1)])
    assert agent.run(MESSAGE, files=[document(1)]).status is RunStatus.ERROR
    again = agent.run(MESSAGE, files=[document(1)])
    assert (again.status, again.cached_from) == (RunStatus.COMPLETED, None)


def test_a_session_and_a_batch_are_answered_from_the_cache_too(
    caching: Callable[..., Agent], provider: SimulatedProvider
) -> None:
    agent = caching()
    first = agent.run(MESSAGE, files=[document(1)])
    in_session = agent.run(MESSAGE, files=[document(1)], session_id="mine")
    assert in_session.cached_from == first.run_id
    assert agent.run(MESSAGE, files=[document(1)], session_id="mine").run_id == in_session.run_id
    batch = agent.batch([document(1), document(2)], MESSAGE)
    progress = batch.wait(timeout=60)
    assert (progress.done, progress.failed) == (2, 0)
    assert sorted(run.cached_from or "" for run in batch.results()) == ["", first.run_id]
    assert calls(provider) == 2


def test_what_is_forgotten_is_no_answer(
    db: Database, caching: Callable[..., Agent], provider: SimulatedProvider
) -> None:
    """The cache keeps no copy: with the document go the runs over it, those that were answered from it too."""
    agent = caching()
    first = agent.run(MESSAGE, files=[document(1)])
    agent.run(MESSAGE, files=[document(1)])
    sha256 = first.input.hashes[0]
    assert sha256 is not None
    forget(db, sha256)
    assert agent.run(MESSAGE, files=[document(1)]).cached_from is None
    assert calls(provider) == 2


def test_a_stream_of_a_known_answer_ends_with_it(caching: Callable[..., Agent]) -> None:
    agent = caching()
    first = agent.run(MESSAGE, files=[document(1)])
    *events, last = agent.run(MESSAGE, files=[document(1)], stream=True)
    assert [event.kind for event in events] == ["started"]
    assert last.cached_from == first.run_id
