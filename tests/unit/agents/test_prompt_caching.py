"""Prompt caching against a provider that remembers beginnings: what is shared stands before the document and is read
again at the cached price, on OpenAI's APIs by itself and on Anthropic's up to a mark; `costs` says what that saved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import Agent, File
from nightdrop.agents import AgentSpec, OutputSchema
from nightdrop.agents.caching import caching
from nightdrop.store import Database
from nightdrop.testing import Meter, MeterCall, Price, SimulatedProvider, ToolCall

LONG = "Read every line with care. " * 800  # 5,400 tokens
ANTHROPIC, OPENAI = "anthropic:claude-sonnet-4-6", ["openai:gpt-5.5", "openai-chat:gpt-4o-mini"]
PRICE = 'input = "1.25"\ncached_input = "0.125"\ncache_write = "1.5625"\noutput = "10"\n'


class Paid(BaseModel):
    """An invoice."""

    total: str


def look_up(number: int) -> str:
    """Look a customer up by number."""
    return f"customer {number}"


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Meter]:
    """Of a provider that remembers beginnings, priced as the ledger is."""
    names = [ANTHROPIC, *OPENAI]
    (tmp_path / "prices.toml").write_text("".join(f'["{name}"]\n{PRICE}' for name in names))
    monkeypatch.setenv("NIGHTDROP_PRICES", str(tmp_path / "prices.toml"))
    tools = [ToolCall(name="look_up", arguments={"number": 7})]
    with SimulatedProvider(meter=Meter(price=Price(prompt_cache=True)), tools=tools) as provider:
        for name, value in {**provider.environment, **provider.anthropic_environment}.items():
            monkeypatch.setenv(name, value)
        yield provider.meter


def asked(db: Database, model: str, instructions: str | None, **options: Any) -> None:
    """Two documents, one after the other."""
    agent = Agent(id="a", model=model, instructions=instructions, output_schema=Paid, db=db, **options)
    for number in range(2):
        files = [File(content=f"Invoice {number}".encode(), filename="a.txt")]
        agent.run("Read.", files=files).raise_for_status()


def explained(db: Database, calls: tuple[MeterCall, ...]) -> None:
    """The ledger's cached tokens and cents are the meter's."""
    total = db.costs().total
    assert total.cache_read_tokens == sum(call.cached_tokens for call in calls)
    assert total.cache_write_tokens == sum(call.cache_write_tokens for call in calls)
    assert total.cost == sum((call.cents for call in calls), Decimal(0)) / 100


@pytest.mark.parametrize("model", OPENAI)
def test_openai_reads_the_shared_beginning_again(db: Database, meter: Meter, model: str) -> None:
    asked(db, model, LONG)
    first, second = meter.calls
    assert (first.cached_tokens, second.cached_tokens) == (0, len(LONG) // 4 // 128 * 128), "all but the last step"
    explained(db, meter.calls)
    assert db.costs().total.saved == second.cached_tokens * (Decimal("1.25") - Decimal("0.125")) / 1_000_000


@pytest.mark.parametrize("options", [{}, {"tools": [look_up]}])
def test_anthropic_keeps_what_stands_before_the_mark(db: Database, meter: Meter, options: dict[str, Any]) -> None:
    asked(db, ANTHROPIC, LONG, **options)
    first, *others = meter.calls
    assert len(others) == (3 if options else 1)
    assert first.cached_tokens == 0
    assert first.cache_write_tokens >= len(LONG) // 4
    assert {(call.cached_tokens, call.cache_write_tokens) for call in others} == {(first.cache_write_tokens, 0)}
    explained(db, meter.calls)
    read, written = len(others) * first.cache_write_tokens, first.cache_write_tokens
    saved = read * (Decimal("1.25") - Decimal("0.125")) - written * (Decimal("1.5625") - Decimal("1.25"))
    assert db.costs().total.saved == saved / 1_000_000


@pytest.mark.parametrize("model", [ANTHROPIC, *OPENAI])
def test_a_short_beginning_is_not_kept(db: Database, meter: Meter, model: str) -> None:
    asked(db, model, "Read.")
    assert {(call.cached_tokens, call.cache_write_tokens) for call in meter.calls} == {(0, 0)}


def spec(instructions: str | None, tools: tuple[Any, ...] = ()) -> AgentSpec:
    return AgentSpec(
        id="a", name="a", model="openai:m", instructions=instructions, schema=OutputSchema(Paid), tools=tools
    )


def many_words() -> None:
    """Placeholder."""


def test_what_is_asked_for_and_when() -> None:
    many_words.__doc__ = LONG
    assert caching(spec(LONG), "openai") == {"openai_prompt_cache_key": "nightdrop-a"}
    assert caching(spec(LONG[:5000]), "openai-chat") == {"openai_prompt_cache_key": "nightdrop-a"}
    assert caching(spec(LONG[:5000]), "anthropic") is None, "some models keep nothing so short"
    assert caching(spec(LONG), "anthropic") == {"anthropic_cache_instructions": True}
    assert caching(spec(None, (many_words,)), "anthropic") == {"anthropic_cache_tool_definitions": True}
    assert caching(spec(None), "openai") is None
    for other in ("google", "compatible", "openrouter"):
        assert caching(spec(LONG), other) is None
