"""kill -9 between the first model's failure and the second one's answer: the second is asked, not the first again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.testing import Fault, SimulatedProvider, ToolCall
from tests.conftest import finished, nightdrop, rows_at

APP = Path(__file__).parent / "fallback_app.py"


@pytest.fixture
def providers() -> Iterator[tuple[SimulatedProvider, SimulatedProvider]]:
    """The first model's, which is down, and the second's."""
    with SimulatedProvider(faults=[Fault(kind="500")]) as first, SimulatedProvider() as second:
        yield first, second


@pytest.mark.parametrize(
    ("killed_at", "asked", "answers"),
    [
        ("call.opened:2", 1, 1),  # the second was not asked yet
        ("call.answered:1", 1, 2),  # it was, and nobody recorded the answer: possibly billed, and asked again
        ("call.closed:1", 1, 1),  # recorded: given again
        ("result.commit:1", 1, 1),
    ],
)
def test_the_attempt_stays_where_it_was(
    place: str, invoices: Any, providers: tuple[Any, Any], killed_at: str, asked: int, answers: int
) -> None:
    first, second = providers
    folder = invoices(1)
    env = {**first.anthropic_environment, **second.environment, "TEST_DB": place}
    command = ("run", folder, "--agent", f"{APP}:agent", "--message", "Read.")
    code, _, err = finished(nightdrop(*command, env={**env, "NIGHTDROP_FAULT_POINT": killed_at}))
    assert code == -signal.SIGKILL, err
    code, _, err = finished(nightdrop(*command, env=env))
    assert code == 0, err
    assert [call.outcome for call in first.meter.calls] == ["500"] * asked, "its failure was recorded and counts"
    assert [call.outcome for call in second.meter.calls] == ["answered"] * answers
    assert rows_at(place, "SELECT status, attempt FROM nightdrop_runs") == [("COMPLETED", 1)]
    ledger = {
        row[0]: row[1:]
        for row in rows_at(
            place, "SELECT call_id, provider, closed_at, input_tokens, outcome FROM nightdrop_model_calls"
        )
    }
    for call in second.meter.calls:
        provider, closed_at, tokens, outcome = ledger[call.call_id or ""]
        assert provider == "openai-chat"
        assert (closed_at is None) if outcome is None else (tokens == call.input_tokens)
    assert sum(row[3] == "answered" for row in ledger.values()) == 1


@pytest.mark.parametrize(
    ("killed_at", "answers"),
    [
        ("call.opened:3", 2),  # the second is about to be asked for the first time
        ("call.closed:2", 2),  # it has called the tool
        ("call.answered:3", 3),  # it has answered, and nobody recorded it
    ],
)
def test_a_conversation_with_tools_goes_on_where_it_was(
    place: str, invoices: Any, killed_at: str, answers: int
) -> None:
    """The first model called the tool, then failed; the second begins its own conversation."""
    tools = [ToolCall(name="look_up", arguments={"number": 7})]
    folder = invoices(1)
    down = [Fault(kind="500", calls=(2,))]
    with SimulatedProvider(faults=down, tools=tools) as first, SimulatedProvider(tools=tools) as second:
        env = {**first.anthropic_environment, **second.environment, "TEST_DB": place, "TEST_TOOLS": "1"}
        command = ("run", folder, "--agent", f"{APP}:agent", "--message", "Read.")
        code, _, err = finished(nightdrop(*command, env={**env, "NIGHTDROP_FAULT_POINT": killed_at}))
        assert code == -signal.SIGKILL, err
        code, _, err = finished(nightdrop(*command, env=env))
        assert code == 0, err
        assert [call.outcome for call in first.meter.calls] == ["answered", "500"]
        assert [call.outcome for call in second.meter.calls] == ["answered"] * answers
    assert rows_at(place, "SELECT status, attempt FROM nightdrop_runs") == [("COMPLETED", 1)]
