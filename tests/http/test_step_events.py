"""Events of a workflow's steps: they begin, end, fail, are skipped, ask; and going on behind the last one seen."""

from __future__ import annotations

from typing import Any

from nightdrop import Parallel, Step, StepInput, pause
from nightdrop.http.step_news import StepNews
from nightdrop.store.progress import progress
from tests.flaky import Flaky
from tests.http.conftest import Served, sent_events, serve


def text(given: StepInput) -> str:
    """A step."""
    return "text"


def fails(given: StepInput) -> str:
    """A step that fails."""
    raise ValueError("no such customer")


def ask(given: StepInput) -> str:
    """A step that asks."""
    return str(pause("Fine?"))


def of_steps(events: list[tuple[str, str, Any]]) -> list[tuple[str, str]]:
    return [(data["path"], data["status"]) for _, name, data in events if name == "step"]


def test_steps_are_told_as_they_begin_and_end(served: Served) -> None:
    """Each with its path; what failed says why; behind every event the rest is sent, and nothing twice."""
    skipped = Step("skipped", executor=fails, on_error="skip")
    place = serve(served, text, Parallel(Step("a", executor=text), Step("b", executor=text)), skipped, Flaky())
    answer = served.client.post(place, data={"message": "x", "stream": "true"})
    events = sent_events(answer)
    told = of_steps(events)
    assert told[:2] == [("text", "RUNNING"), ("text", "COMPLETED")]
    branches = {(f"parallel/{name}", status) for name in "ab" for status in ("RUNNING", "COMPLETED")}
    assert (set(told[2:6]), [status for _, status in told[2:4]]) == (branches, ["RUNNING", "RUNNING"])
    assert told[6:9] == [("skipped", "RUNNING"), ("skipped", "ERROR"), ("skipped", "SKIPPED")]
    assert told[9:] == [("Flaky", "RUNNING"), ("Flaky", "ERROR")]
    (failed,) = [data for _, name, data in events if name == "step" and (data["path"], data["status"]) == told[10]]
    assert failed["error"]["message"] == "ValueError: once"
    run_id = events[-1][2]["run_id"]
    place_of_events = f"/runs/{run_id}/events"
    at_steps = [at for at, (_, name, _) in enumerate(events) if name == "step"]
    for at in (at_steps[0], at_steps[4], at_steps[-1]):
        rest = sent_events(served.client.get(place_of_events, headers={"Last-Event-ID": events[at][0]}))
        assert [event[1:] for event in rest if event[1] != "status"] == [
            event[1:] for event in events[at + 1 :] if event[1] != "status"
        ]
    assert served.client.get(place_of_events, headers={"Last-Event-ID": events[-1][0]}).status_code == 204

    assert served.client.post(f"{place}/{run_id}/retry").status_code == 202
    again = sent_events(served.client.get(place_of_events, headers={"Last-Event-ID": events[-1][0]}))
    assert of_steps(again) == [("Flaky", "RUNNING"), ("Flaky", "COMPLETED")]
    whole = of_steps(sent_events(served.client.get(place_of_events)))
    assert (whole[:2], whole[-2:]) == (told[:2], [("Flaky", "RUNNING"), ("Flaky", "COMPLETED")])


def test_a_step_that_asks_is_told_before_the_end(served: Served) -> None:
    """And after the answer only what is new."""
    place = serve(served, text, ask, Step("after", executor=text))
    events = sent_events(served.client.post(place, data={"message": "x", "stream": "true"}))
    assert of_steps(events)[-2:] == [("ask", "RUNNING"), ("ask", "PAUSED")]
    assert (events[-1][1], events[-1][2]["status"]) == ("end", "PAUSED")
    run_id = events[-1][2]["run_id"]
    served.client.post(f"{place}/{run_id}/continue", json={"answer": "yes", "background": True})
    rest = sent_events(served.client.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": events[-1][0]}))
    assert of_steps(rest) == [("ask", "COMPLETED"), ("after", "RUNNING"), ("after", "COMPLETED")]


def test_events_are_the_same_whenever_one_looks(served: Served) -> None:
    """Row by row or all at once."""
    place = serve(served, text, Parallel(Step("a", executor=text), Step("b", executor=text)), Step("c", executor=text))
    run = served.client.post(place, data={"message": "x"}).json()
    with served.db.read() as connection:
        found = progress(connection, run["run_id"])
    assert found is not None
    assert found.plan is not None
    one_by_one, at_once, piecemeal = StepNews(), StepNews(), []
    for count in range(len(found.steps) + 1):
        piecemeal += one_by_one.made_of(found.steps[:count], found.plan, is_running=True)
    assert piecemeal == at_once.made_of(found.steps, found.plan, is_running=False)
