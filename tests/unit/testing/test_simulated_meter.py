from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from provider_client import Client, ManualTime, Start, chat_body

from nightdrop.errors import UsageError
from nightdrop.testing import Fault, Latency, Meter, Price, SimulatedProvider, read_meter_file


def test_every_call_is_metered_under_64_clients(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "meter.jsonl"
    client = start(meter=Meter(file=file), faults=[Fault(kind="500", first=1), Fault(kind="truncated", first=2)])

    def work(number: int) -> list[dict[str, int]]:
        document = f"document {number}".encode()
        answers = [client.chat(file=document, headers={"x-nightdrop-call-id": f"{number}:{n}"}) for n in range(4)]
        assert [answer.status for answer in answers] == [500, 200, 200, 200]
        return [answer.json["usage"] for answer in answers[1:]]

    with ThreadPoolExecutor(64) as pool:
        usages = [usage for found in pool.map(work, range(64)) for usage in found]
    totals = client.provider.meter.totals()
    assert (totals.calls, totals.billed_calls) == (256, 192)
    assert totals.outcomes == {"500": 64, "truncated": 64, "answered": 128}
    assert totals.input_tokens == sum(usage["prompt_tokens"] for usage in usages)
    assert totals.output_tokens == sum(usage["completion_tokens"] for usage in usages)
    assert totals.cents == Price().input * totals.input_tokens / 10_000 + Price().output * totals.output_tokens / 10_000
    calls = client.provider.meter.calls
    assert {call.call_id for call in calls} == {f"{number}:{n}" for number in range(64) for n in range(4)}
    assert len({call.id for call in calls}) == 256
    assert read_meter_file(file) == calls


def test_meter_over_http(start: Start) -> None:
    client = start()
    body = client.chat().json
    meter = client.request("GET", "/_meter?settled=1").json
    assert meter["in_flight"] == 0
    assert meter["totals"]["calls"] == 1
    assert meter["calls"][0]["id"] == body["id"]
    assert Decimal(meter["calls"][0]["cents"]) == client.provider.meter.calls[0].cents
    assert "calls" not in client.request("GET", "/_meter?calls=0").json
    assert client.request("DELETE", "/_meter").json["totals"]["calls"] == 0
    assert client.provider.meter.calls == ()


def test_price_and_cached_share(start: Start) -> None:
    price = Price(input=Decimal(2), cached_input=Decimal(1), output=Decimal(4), cached_share=0.5, bytes_per_token=10)
    client = start(meter=Meter(price=price), answers=lambda request: "x" * 40)
    usage = client.chat(file=b"y" * 1000, text="x" * 400, schema=None).json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (200, 10)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 100
    assert client.provider.meter.totals().cents == Decimal("0.034")


def test_a_client_that_dies_is_billed(start: Start, time: ManualTime) -> None:
    client = start(latency=5, timing=time.timing)
    connection = client.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(chat_body()))
    time.wait_for_sleepers(1)
    connection.close()
    client.request("GET", "/_meter")  # by now the server has seen the client go
    assert client.provider.meter.totals().calls == 0
    time.advance(5)
    client.provider.wait_idle()
    call = client.provider.meter.calls[0]
    assert (call.outcome, call.billed) == ("client_gone", True)
    assert call.recorded_at - call.received_at == 5000


def test_the_meter_stays_when_the_provider_stops(tmp_path: Path) -> None:
    meter = Meter(file=tmp_path / "meter.jsonl")
    assert read_meter_file(tmp_path / "meter.jsonl") == ()
    for _ in range(2):
        with SimulatedProvider(meter=meter) as provider:
            assert Client(provider).responses().status == 200
    assert len(meter.calls) == len(read_meter_file(tmp_path / "meter.jsonl")) == 2


@pytest.mark.parametrize(
    ("text", "low", "high"), [("0.5", 0.5, 0.5), ("uniform:0.2:0.4", 0.2, 0.4), ("lognormal:1:0.5", 0.1, 10)]
)
def test_latency_distributions(text: str, low: float, high: float) -> None:
    drawn = [Latency.parse(text, seed=1).draw() for _ in range(2)]
    assert drawn[0] == drawn[1]
    latency = Latency.parse(text)
    assert all(low <= latency.draw() <= high for _ in range(200))


@pytest.mark.parametrize("text", ["fast", "-1", "uniform:1", "uniform:2:1", "lognormal:0:1", "uniform:a:b"])
def test_wrong_latencies(text: str) -> None:
    with pytest.raises(UsageError):
        Latency.parse(text)


def test_wrong_prices() -> None:
    with pytest.raises(UsageError):
        Price(cached_share=2)
    with pytest.raises(UsageError):
        Price(bytes_per_token=0)


def test_latency_is_waited_for(start: Start, time: ManualTime) -> None:
    client = start(latency=Latency.fixed(3), timing=time.timing)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.chat)
        time.wait_for_sleepers(1)
        assert not answer.done()
        time.advance(3)
        assert answer.result().status == 200


def test_starting_twice_and_a_taken_port(start: Start) -> None:
    client = start()
    with pytest.raises(UsageError):
        client.provider.start()
    with pytest.raises(OSError, match="in use"):
        SimulatedProvider(port=client.provider.port).start()
    idle = SimulatedProvider()
    idle.stop()
    idle.wait_idle()
    assert idle.in_flight == 0
    with pytest.raises(UsageError):
        _ = idle.base_url
