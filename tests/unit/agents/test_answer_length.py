"""How long an answer may be under a budget: what is asked of the model, and what is reserved for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.settings import ModelSettings
from tests.conftest import rows_at

from nightdrop import Agent, Budget, RunOutput
from nightdrop.store import Database

MOST = 16_384  # of a model that is not known


class Talkative:
    """A model that costs a millionth of a dollar for each token of an answer, and remembers what it was told."""

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.told: list[int | None] = []
        self.model = FunctionModel(self._answer, model_name="talkative", settings=settings)

    def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages
        self.told.append((info.model_settings or {}).get("max_tokens"))
        return ModelResponse(parts=[TextPart("Yes.")])


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.toml").write_text('["talkative"]\ninput = "0"\noutput = "1.00"\n')
    monkeypatch.setenv("NIGHTDROP_PRICES", str(tmp_path / "prices.toml"))


def asked(db: Database, model: Talkative, **budget: Any) -> RunOutput:
    return Agent(id="talkative", model=model.model, db=db, budget=Budget(**budget)).run("Well?")


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"per_run": "1.00"}, None),
        ({"per_run": "0.010"}, 10_000),
        ({"per_day": "1.00"}, None),
        ({"per_day": "0.080"}, 10_000),
        ({"per_day": "0.010"}, 2_048),
        ({"per_day": "0.080", "per_run": "0.005"}, 5_000),
    ],
)
def test_it_is_what_the_budget_leaves(db: Database, place: str, budget: dict[str, str], told: int | None) -> None:
    model = Talkative()
    run = asked(db, model, **budget)
    assert run.error is None
    assert model.told == [told]
    assert rows_at(place, "SELECT reserved_pico FROM nightdrop_model_calls") == [((told or MOST) * 10**6,)]


def test_below_a_floor_it_is_not_asked(db: Database) -> None:
    model = Talkative()
    run = asked(db, model, per_run="0.002047")
    assert run.error is not None
    assert run.error.code == "budget_exceeded"
    assert model.told == []


def test_what_the_user_said_stays(db: Database, place: str) -> None:
    model = Talkative(ModelSettings(max_tokens=500))
    assert asked(db, model, per_day="0.001").error is None
    assert model.told == [500]
    assert rows_at(place, "SELECT reserved_pico FROM nightdrop_model_calls") == [(500 * 10**6,)]
    refused = asked(db, Talkative(ModelSettings(max_tokens=5_000)), per_run="0.004")
    assert refused.error is not None, "nobody shortens what the user asked for"


def test_without_a_budget_nothing_is_said(db: Database, place: str) -> None:
    model = Talkative()
    assert Agent(id="talkative", model=model.model, db=db).run("Well?").error is None
    assert model.told == [None]
    assert rows_at(place, "SELECT reserved_pico FROM nightdrop_model_calls") == [(None,)]
