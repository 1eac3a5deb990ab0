"""The user's own price list: what each key does, and what is said of a wrong one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.test import TestModel
from pydantic_ai.settings import ModelSettings

from nightdrop import UsageError
from nightdrop.agents.need import need_of
from nightdrop.ledger.prices import check_prices, price_of
from nightdrop.records.budget import Need
from nightdrop.records.model_call import PICO, Price, Usage

USED = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=500_000, cache_write_tokens=200_000)

AT = 1_795_800_000_000  # November 2026


def priced(file: Path, text: str) -> Price:
    file.write_text(text)
    return price_of("p", "m", USED, said=Decimal(9), at_ms=0, prices_file=str(file))


def test_every_kind_of_token_has_its_price_and_the_saving_is_net_of_the_surcharge(tmp_path: Path) -> None:
    text = '["p:m"]\ninput = "10"\ncached_input = "1"\ncache_write = "12.5"\noutput = "20"\nrequest = "0.5"\n'
    price = priced(tmp_path / "prices.toml", text)
    assert price.source == "override"
    assert price.cost_pico == (3 + Decimal("0.5") + Decimal("2.5") + 2 + Decimal("0.5")) * PICO
    assert price.saved_pico == (Decimal("4.5") - Decimal("0.5")) * PICO


def test_cached_tokens_cost_what_input_costs_unless_said(tmp_path: Path) -> None:
    price = priced(tmp_path / "prices.toml", '[m]\ninput = "10"\n')
    assert (price.cost_pico, price.saved_pico) == (10 * PICO, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["p:m"]\ninputs = "1"\n', "inputs is no price; there are input, cached_input"),
        ('["p:m"]\ninput = "cheap"\n', "input = 'cheap' is no price"),
        ('["p:m"]\noutput = "-1"\n', "output = '-1' is no price"),
        ('["p:m"]\noutput = true\n', "output = True is no price"),
        ('"p:m" = 3\n', "write a table of prices"),
        ("[", "cannot be read"),
    ],
)
def test_a_wrong_list_names_file_model_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as raised:
        check_prices(str(file))
    assert said in raised.value.message
    assert str(file) in raised.value.message


def test_a_tier_has_a_price_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('["p:m"]\ninput = "10"\n["p:m@flex"]\ninput = "5"\n')

    def cost(provider: str, model: str, tier: str | None) -> int | None:
        return price_of(provider, model, USED, said=None, at_ms=AT, prices_file=str(file), tier=tier).cost_pico

    assert [cost("p", "m", tier) for tier in (None, "default", "flex")] == [10 * PICO, 10 * PICO, 5 * PICO]
    usual, flex, priority = (cost("openai", "gpt-5", tier) for tier in ("default", "flex", "priority"))
    assert usual is not None
    assert (flex, priority) == (usual // 2, usual * 2)


def test_a_budget_reckons_with_a_dearer_tier_that_the_model_asks_for() -> None:
    def need(**settings: Any) -> Need:
        model = TestModel(model_name="gpt-5", settings=ModelSettings(**settings))
        found = need_of("openai", model, [], None, ModelRequestParameters(), AT)
        assert found is not None
        return found

    assert need(service_tier="priority").token_pico == 2 * need().token_pico
    assert need(service_tier="flex") == need()
