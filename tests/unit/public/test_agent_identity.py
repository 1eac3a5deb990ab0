"""What an agent is called, and what changes its revision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field
from tests.fundamentals.conftest import document

from nightdrop import Agent, NightdropError, SqliteDb, UsageError
from nightdrop.schemas import Invoice


def agent(**given: Any) -> Agent:
    return Agent(**{"model": "local", "output_schema": Invoice, **given})


def test_the_id_is_given_or_the_slug_of_the_name_or_of_what_it_does() -> None:
    assert agent(id="x", name="Y Z").id == "x"
    assert (agent(name="Y Z").id, agent(name="Y Z").name) == ("y-z", "Y Z")
    assert agent().id == "local-invoice"


def test_the_revision_is_what_decides_the_answer() -> None:
    revision = agent(id="a").revision
    same = [agent(id="b"), agent(name="n"), agent(retries=9), agent(db=SqliteDb("never-opened.db"))]
    assert {a.revision for a in same} == {revision}
    assert agent(instructions="Closely.").revision != revision

    class Other(BaseModel):
        """Another schema."""

        total: str | None = Field(None, description="Total")

    assert agent(output_schema=Other).revision != revision
    assert not Path("never-opened.db").exists()


def test_a_changed_description_is_another_revision() -> None:
    schemas = [
        {"type": "object", "properties": {"total": {"type": "string", "description": text}}} for text in ("a", "b")
    ]
    assert agent(output_schema=schemas[0]).revision != agent(output_schema=schemas[1]).revision


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"output_schema": None}, "bad_argument"),
        ({"retries": -1}, "bad_argument"),
        ({"output_schema": {"type": "nonsense"}}, "schema_invalid"),
        ({"output_schema": Invoice()}, "schema_invalid"),
        ({"output_schema": int}, "schema_invalid"),
        ({"db": "nightdrop.db"}, "bad_argument"),
    ],
)
def test_a_wrong_constructor_call_says_so_at_once(given: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        agent(**given)
    assert caught.value.code == code


def test_it_shows_itself_without_secrets() -> None:
    assert repr(agent(id="a")) == "Agent(id='a', model='local', output_schema=Invoice, db=None)"


def test_the_local_model_reads_one_document_a_run() -> None:
    """Two documents in one run are a wrong call, none alike."""
    for files in ([document(1), document(2)], []):
        with pytest.raises(UsageError, match="one document per run"):
            agent().run(files=files)


class Aliased(BaseModel):
    """A schema whose JSON has other names than its fields."""

    number: str | None = Field(None, alias="invoiceNumber", description="Invoice number")
    total: str | None = Field(None, description="Total")


@pytest.mark.parametrize("stored", [False, True], ids=["without db", "with db"])
def test_a_schema_with_aliases_keeps_its_values(db: SqliteDb, stored: bool) -> None:
    made = agent(output_schema=Aliased, db=db if stored else None)
    run = made.run(files=[document(1)])
    assert run.content.number == "INV-00001"
    if stored:
        assert made.get_run_output(run.run_id).content == run.content


def test_unknown_options_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="files_"):
        agent().run(files_=[])  # type: ignore[call-arg]
    with pytest.raises((TypeError, NightdropError), match="limits_"):
        agent(limits_=1)
