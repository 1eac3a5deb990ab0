"""The ledger against the meter of a simulated provider: what is explained and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from nightdrop import Agent, File
from nightdrop.store import Database
from nightdrop.testing import Meter, Price, SimulatedProvider
from tests.acceptance.conftest import called
from tests.conftest import change_at

MODEL = "gpt-4o-mini"


@pytest.fixture
def meter(db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Meter]:
    """A provider's meter after three calls of ours, priced alike on both sides."""
    prices = tmp_path / "prices.toml"
    prices.write_text('["openai-chat:gpt-4o-mini"]\ninput = "1.25"\ncached_input = "0.125"\noutput = "10"\n')
    monkeypatch.setenv("NIGHTDROP_PRICES", str(prices))
    with SimulatedProvider(meter=Meter(price=Price(cached_share=0.5))) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        agent = Agent(id="a", model=f"openai-chat:{MODEL}", db=db)
        for number in range(3):
            agent.run("Read.", files=[File(content=f"Invoice {number}".encode(), filename="a.txt")]).raise_for_status()
        yield provider.meter


def reconciled(place: str, bill: Path, *options: str) -> tuple[int, list[str], dict[str, object]]:
    result = called("costs", "reconcile", bill, "--db", place, "--json", *options)
    data = json.loads(result.stdout)
    return result.exit_code, [item["kind"] for item in data["items"]], data


def test_the_bill_of_the_simulated_provider_is_explained_to_the_cent(place: str, meter: Meter, tmp_path: Path) -> None:
    meter.export(tmp_path / "bill.csv")
    code, kinds, data = reconciled(place, tmp_path / "bill.csv", "--tolerance", "0")
    assert (code, kinds) == (0, [])
    expected = meter.totals().cents / 100
    assert data["total"] == {"bill": format(expected.normalize(), "f"), "ledger": format(expected.normalize(), "f")}


def test_what_the_cache_saved_is_what_the_meter_did_not_bill(db: Database, meter: Meter) -> None:
    totals = meter.totals()
    assert totals.cached_tokens > 0
    assert db.costs().total.saved == totals.cached_tokens * (Decimal("1.25") - Decimal("0.125")) / 1_000_000


def test_each_difference_has_its_kind(place: str, meter: Meter, tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    first, second, third = sorted(call.call_id or "" for call in meter.calls)
    bill.write_text(f"call,usd\n{first},5\nstranger,1\n{third},0.5\n")
    change_at(place, f"UPDATE nightdrop_model_calls SET closed_at = NULL, cost_pico = NULL WHERE call_id = '{third}'")
    code, _, data = reconciled(place, bill, "--map", "id=call", "--map", "cost=usd")
    found = {item["key"]: item["kind"] for item in data["items"]}  # type: ignore[attr-defined]
    assert code == 1
    assert found == {first: "amount", second: "missing_in_bill", third: "open_billed", "stranger": "missing_in_ledger"}


def test_an_open_call_that_the_bill_settles_is_explained(place: str, meter: Meter, tmp_path: Path) -> None:
    meter.export(tmp_path / "bill.csv")
    change_at(place, "UPDATE nightdrop_model_calls SET closed_at = NULL, cost_pico = NULL")
    assert reconciled(place, tmp_path / "bill.csv")[:2] == (0, ["open_billed"] * 3)


@pytest.mark.parametrize(("extra", "code", "kinds"), [("0", 0, []), ("0.01", 1, ["amount"])])
def test_a_bill_without_ids_is_compared_by_day_and_model(
    place: str, meter: Meter, tmp_path: Path, extra: str, code: int, kinds: list[str]
) -> None:
    meter.export(tmp_path / "calls.csv")
    day = (tmp_path / "calls.csv").read_text().splitlines()[1].split(",")[1]
    amount = meter.totals().cents / 100 + Decimal(extra)
    (tmp_path / "bill.csv").write_text(f"day,model,cost\n{day},{meter.calls[0].model},{amount}\n")
    assert reconciled(place, tmp_path / "bill.csv")[:2] == (code, kinds)


def test_another_providers_calls_are_left_out(place: str, meter: Meter, tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_text("id,cost\n")
    assert reconciled(place, tmp_path / "bill.csv", "--provider", "anthropic")[:2] == (0, [])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("id,usd\n", (), "--map cost=COLUMN"),
        ("cost\n1\n", (), "--map id=COLUMN"),
        ("id,cost\nx,much\n", (), "line 2"),
        ("id,cost\n", ("--map", "id=call"), "has the columns cost, id"),
        ("id,cost\n", ("--map", "price=cost"), "id, day, model, cost"),
    ],
)
@pytest.mark.usefixtures("meter")
def test_a_bill_that_cannot_be_read_says_what_to_do(
    place: str, tmp_path: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "bill.csv").write_text(text)
    result = called("costs", "reconcile", tmp_path / "bill.csv", "--db", place, *options)
    assert result.exit_code == 2
    assert said in result.output


def test_sums_and_calls_are_csv_that_a_spreadsheet_reads(place: str, meter: Meter) -> None:
    sums = called("costs", "--by", "agent", "--csv", "--db", place).stdout.splitlines()
    assert sums[0].startswith("key,calls,open_calls")
    assert sums[1].startswith("a,3,0,0,")
    lines = called("costs", "calls", "--csv", "--db", place, "--since", "1d").stdout.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == sorted((c.call_id or "" for c in meter.calls), reverse=True)
