"""The ledger against the meter of a simulated provider: what is explained and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nightdrop import Agent, File
from nightdrop.store import Database
from nightdrop.store.costs import CallFilter, calls
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
        ("id,cost\n", ("--preset", "anthropic"), "'usage_date_utc' is not among them"),
        ("id,cost\nx,1\n", ("--close-open",), "give --since and --until"),
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


def day_of(meter: Meter) -> str:
    return datetime.fromtimestamp(meter.calls[0].received_at / 1000, tz=UTC).date().isoformat()


def as_openai(meter: Meter, more: Decimal = Decimal(0)) -> str:
    """The meter as OpenAI's console exports it, grouped by line item."""
    day, cost = day_of(meter), meter.totals().cents / 100 + more
    head = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"
    lines = [
        f'1,2,{day}T00:00:00+00:00,,{cost - Decimal("0.001")},usd,"{MODEL}-2024-07-18, input",p\n',
        f'1,2,{day}T00:00:00+00:00,,0.001,usd,"{MODEL}-2024-07-18, cached input",p\n',
        "0,1,2020-01-01T00:00:00+00:00,,,,,\n",  # a day without any cost
    ]
    return head + "".join(lines)


def test_openais_export_is_known_by_its_columns(db: Database, place: str, meter: Meter, tmp_path: Path) -> None:
    bill = tmp_path / "cost.csv"
    bill.write_text(as_openai(meter))
    change_at(  # another day and another provider are no part of it
        place,
        "INSERT INTO nightdrop_model_calls (call_id, run_id, attempt, number, provider, model, opened_at, closed_at,"
        " cost_pico) VALUES ('old', 'r', 1, 1, 'openai-chat', 'gpt-4o-mini', 1000, 2000, 5),"
        f" ('other', 'r', 1, 2, 'anthropic', 'gpt-4o-mini', {meter.calls[0].received_at}, 2000, 5)",
    )
    assert reconciled(place, bill)[:2] == (0, [])
    bill.write_text(as_openai(meter, Decimal("0.5")))
    assert reconciled(place, bill, "--preset", "openai")[:2] == (1, ["amount"])


def test_anthropics_export_names_models_as_people_do(place: str, meter: Meter, tmp_path: Path) -> None:
    change_at(place, "UPDATE nightdrop_model_calls SET provider = 'anthropic', model = 'claude-haiku-4-5-20251001'")
    bill = tmp_path / "claude_api_cost.csv"
    bill.write_text(
        "usage_date_utc,model,workspace,token_type,cost_usd,list_price_usd\n"
        f"{day_of(meter)},Claude Haiku 4.5,Default,output,{meter.totals().cents / 100},1\n"
    )
    assert reconciled(place, bill)[:2] == (0, [])


OPEN = "UPDATE nightdrop_model_calls SET closed_at = NULL, cost_pico = NULL, opened_at = opened_at - 3600000"


def test_open_calls_are_closed_by_their_ids(db: Database, place: str, meter: Meter, tmp_path: Path) -> None:
    change_at(place, OPEN)
    meter.export(tmp_path / "bill.csv")
    text = (tmp_path / "bill.csv").read_text().splitlines()
    (tmp_path / "bill.csv").write_text("\n".join(text[:-1]) + "\n")  # one of them was not billed
    options = ("--close-open", "--since", "7d", "--until", "2100-01-01")
    code, kinds, data = reconciled(place, tmp_path / "bill.csv", *options)
    two = sum(sorted(call.cents for call in meter.calls)[:2], Decimal(0)) / 100
    assert (code, kinds, data["closed"]["calls"]) == (0, [], 3)  # type: ignore[index]
    assert data["total"]["ledger"] == data["total"]["bill"]  # type: ignore[index]
    total = db.costs().total
    assert (total.open_calls, total.cost is not None and total.cost >= two) == (0, True)
    with db.read() as connection:
        page, _ = calls(connection, CallFilter(), limit=10)
    assert {(call.cost_source, call.price_version) for call in page} == {("provider", "bill bill.csv")}
    assert Decimal(0) in {call.cost for call in page}
    assert reconciled(place, tmp_path / "bill.csv", *options)[2]["closed"] == {"calls": 0, "cost": "0"}


def test_open_calls_of_a_day_share_what_the_bill_has_more(
    db: Database, place: str, meter: Meter, tmp_path: Path
) -> None:
    bill = tmp_path / "cost.csv"
    first, *rest = sorted(call.call_id or "" for call in meter.calls)
    change_at(place, f"{OPEN} WHERE call_id != '{first}'")
    change_at(place, f"UPDATE nightdrop_model_calls SET opened_at = opened_at - 3600000 WHERE call_id = '{first}'")
    with db.read() as connection:
        opened, _ = calls(connection, CallFilter(), limit=10)
    bill.write_text(as_openai(meter).replace(day_of(meter), f"{opened[0].opened_at:%Y-%m-%d}"))
    code, kinds, data = reconciled(place, bill, "--close-open")
    assert (code, kinds, data["closed"]["calls"]) == (0, [], 2)  # type: ignore[index]
    assert db.costs().total.cost == meter.totals().cents / 100
    change_at(place, f"{OPEN} WHERE call_id = '{rest[0]}'")
    bill.write_text(
        as_openai(meter, -meter.totals().cents / 200).replace(day_of(meter), f"{opened[0].opened_at:%Y-%m-%d}")
    )
    code, kinds, data = reconciled(place, bill, "--close-open")
    assert data["closed"] == {"calls": 0, "cost": "0"}, "the bill has less than the closed calls: nothing is proven"


def test_a_call_that_may_be_under_way_stays_open(place: str, meter: Meter, tmp_path: Path) -> None:
    change_at(place, "UPDATE nightdrop_model_calls SET closed_at = NULL, cost_pico = NULL")
    meter.export(tmp_path / "bill.csv")
    code, kinds, data = reconciled(place, tmp_path / "bill.csv", "--close-open")
    assert (code, kinds, data["closed"]) == (0, ["open_billed"] * 3, {"calls": 0, "cost": "0"})


def test_models_in_use_without_a_price_are_named(place: str, meter: Meter) -> None:
    result = called("prices", "check", "--db", place, "--json")
    (row,) = json.loads(result.stdout)["items"]
    assert (result.exit_code, row["model"], row["calls"]) == (0, f"openai-chat:{MODEL}", 3)
    assert (row["input"], row["output"]) == ("1.25", "10")
    assert row["priced_by"].startswith("prices.toml")
    change_at(place, "UPDATE nightdrop_model_calls SET model = 'my-own'")
    result = called("prices", "check", "--db", place)
    assert result.exit_code == 1
    assert "openai-chat:my-own" in result.stdout
    assert "no price" in result.stdout
    assert called("prices", "check", "openai:gpt-4o-mini", "compatible:mine").exit_code == 1
    assert called("prices", "check", "mine").exit_code == 2


def test_sums_and_calls_are_csv_that_a_spreadsheet_reads(place: str, meter: Meter) -> None:
    sums = called("costs", "--by", "agent", "--csv", "--db", place).stdout.splitlines()
    assert sums[0].startswith("key,calls,open_calls")
    assert sums[1].startswith("a,3,0,0,")
    lines = called("costs", "calls", "--csv", "--db", place, "--since", "1d").stdout.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == sorted((c.call_id or "" for c in meter.calls), reverse=True)
