"""Events of a run: states, text as the model writes it, the end; and going on behind the last one seen."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from nightdrop.http.feeds import Feed, Feeds
from nightdrop.http.follow import Seen
from nightdrop.records.event import RunEvent
from nightdrop.records.run import RunStatus
from nightdrop.store.progress import Progress
from nightdrop.store.run_state import RunState
from nightdrop.testing import SimulatedProvider
from tests.http.conftest import Served, sent_events, until, upload

MODEL = "openai-chat:gpt-4o-mini"
MESSAGE = {"message": "Extract this invoice.", "stream": "true"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A model that answers in text, a third of a second after it is asked."""
    with SimulatedProvider(answers=lambda request: "one two three four five", latency=0.3) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def test_text_comes_as_the_model_writes_it(served: Served, provider: SimulatedProvider) -> None:
    agent = served.agent(model=MODEL, output_schema=None)
    events = sent_events(served.client.post(f"/agents/{agent.id}/runs", data=MESSAGE, files=[upload(1)]))
    names = [name for _, name, _ in events]
    assert names[0] == "status"
    assert names[-1] == "end"
    assert "".join(data["text"] for _, name, data in events if name == "text") == "one two three four five"
    assert events[-1][2]["content"] == "one two three four five"
    ids = [event_id for event_id, _, _ in events]
    assert len(set(ids)) == len(ids)


def test_a_lost_connection_is_taken_up_behind_the_last_event(served: Served, provider: SimulatedProvider) -> None:
    agent = served.agent(model=MODEL, output_schema=None)
    with served.client.stream("POST", f"/agents/{agent.id}/runs", data=MESSAGE, files=[upload(2)]) as answer:
        place = answer.headers["location"]
        first = next(line for line in answer.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
    run_id = place.rpartition("/")[2]
    events = sent_events(served.client.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": first}))
    assert first not in [event_id for event_id, _, _ in events]
    assert "".join(data["text"] for _, name, data in events if name == "text") == "one two three four five"
    assert events[-1][1:] == ("end", served.client.get(place).json())
    cut = next(event_id for event_id, name, _ in events if name == "text")
    rest = sent_events(served.client.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": cut}))
    seen = events[[event_id for event_id, _, _ in events].index(cut) + 1 :]
    assert "".join(d["text"] for _, name, d in rest if name == "text") == "".join(
        d["text"] for _, name, d in seen if name == "text"
    )


def test_leaving_a_stream_does_not_stop_the_run(served: Served, provider: SimulatedProvider) -> None:
    agent = served.agent(model=MODEL, output_schema=None)
    with served.client.stream("POST", f"/agents/{agent.id}/runs", data=MESSAGE, files=[upload(3)]) as answer:
        place = answer.headers["location"]
    until(lambda: served.client.get(place).json()["status"] == "COMPLETED")


def test_a_run_that_is_not_streamed_can_be_followed(served: Served, provider: SimulatedProvider) -> None:
    agent = served.agent(model=MODEL, output_schema=None)
    form = {"message": "Extract.", "background": "true"}
    run_id = served.client.post(f"/agents/{agent.id}/runs", data=form, files=[upload(4)]).json()["run_id"]
    events = sent_events(served.client.get(f"/runs/{run_id}/events"))
    assert {data["status"] for _, name, data in events[:-1]} <= {"PENDING", "RUNNING"}
    assert (events[-1][1], events[-1][2]["status"]) == ("end", "COMPLETED")


def test_a_feed_gives_what_is_behind_an_offset() -> None:
    feed = Feed()
    for piece in ("ab", "", "cde", "f"):
        feed.on_event(RunEvent(kind="text", text=piece))
    assert [feed.since(n) for n in range(8)] == ["abcdef", "bcdef", "cdef", "def", "ef", "f", "", ""]


def test_old_feeds_go() -> None:
    feeds = Feeds()
    for number in range(1001):
        feeds.add(str(number), Feed())
    assert feeds.find("0") is None
    assert feeds.find("1000") is not None


def test_an_id_of_somebody_elses_making_is_as_none() -> None:
    now = Progress(state=RunState(run_id="r", status=RunStatus.RUNNING, attempt=1, changed_at=5))
    for given in (None, "", "x", "....", "1.PENDING.4.0.0", "1.RUNNING.5.0"):
        assert len(Seen(given).news(now, None)) == 1
    assert Seen("1.RUNNING.5.0.0").news(now, None) == []


def test_the_answer_is_not_kept_by_what_is_on_the_way(client: httpx2.Client) -> None:
    answer = client.post("/agents/invoices/runs", data=MESSAGE, files=[upload(5)])
    assert answer.headers["cache-control"] == "no-cache"
