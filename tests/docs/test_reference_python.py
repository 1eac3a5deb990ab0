"""The Python reference has every public name, member and argument; the results page every key, table and column."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

import nightdrop
from nightdrop import (
    Agent,
    AgentOS,
    BatchProgress,
    BatchStatus,
    File,
    PostgresDb,
    Review,
    RunError,
    RunOutput,
    RunStatus,
    SqliteDb,
    rules,
    schemas,
    steps,
)
from nightdrop.records import FileRef, RunInput
from nightdrop.records.cost import CostRow, LedgerCall
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState
from nightdrop.sinks.row import COLUMNS, result_row
from nightdrop.store.tables import metadata
from tests.docs.pages import named, page

PYTHON = page("docs/reference/python.md").sections
RESULTS = page("docs/reference/results.md")
MADE: dict[str, Callable[[], object]] = {  # classes that have attributes only once they are made
    "Agent": lambda: Agent(model="local", output_schema=schemas.Invoice),
    "SqliteDb": lambda: SqliteDb("never-opened.db"),
    "PostgresDb": lambda: PostgresDb("postgresql://nobody@localhost/never-opened"),
    "AgentOS": lambda: AgentOS(
        agents=[Agent(model="local", output_schema=schemas.Invoice)], db=SqliteDb("never-opened.db")
    ),
    "File": lambda: File(content=b"x"),
    "NightdropError": lambda: nightdrop.NightdropError(),
}


def _members(name: str) -> set[str]:
    kind = getattr(nightdrop, name)
    if inspect.isfunction(kind):
        return set(inspect.signature(kind).parameters)
    if issubclass(kind, Enum):
        return {*kind.__members__, *(n for n, v in vars(kind).items() if isinstance(v, property))}
    homes = [c for c in kind.__mro__ if c.__module__.startswith("nightdrop")]
    if issubclass(kind, nightdrop.NightdropError):
        homes = [kind]
    found = {n for home in homes for n in (*vars(home), *inspect.get_annotations(home))}
    found |= set(vars(MADE[name]())) if name in MADE and hasattr(MADE[name](), "__dict__") else set()
    functions = [v for home in homes for n, v in vars(home).items() if inspect.isfunction(v) and n[0] != "_"]
    made_by_us = issubclass(kind, nightdrop.NightdropError) or name == "Batch" or getattr(kind, "_is_protocol", False)
    if "__init__" in vars(kind) and not made_by_us:
        functions.append(kind.__init__)  # a Batch is made by `batch`, an error by nightdrop, a protocol by nobody
    arguments = {p for function in functions for p in inspect.signature(function).parameters}
    return {n for n in found | arguments if not n.startswith("_") and n not in ("self", "cls")}


@pytest.mark.parametrize("name", nightdrop.__all__)
def test_a_public_name_and_its_members_are_documented(name: str) -> None:
    inherited = named(PYTHON["NightdropError"]) if name in ("UsageError", "InputError", "RunFailed") else set()
    missing = _members(name) - named(PYTHON[name]) - inherited
    assert not missing, f"docs/reference/python.md, section {name}, says nothing of {sorted(missing)}"


def _signature(function: Callable[..., object]) -> str:
    """As the page writes it: without self and without types."""
    given = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in given.parameters.values() if p.name != "self"]
    return str(given.replace(parameters=bare, return_annotation=given.empty)).replace("'", '"')


@pytest.mark.parametrize("name", ["Agent", "Batch", "File", "SqliteDb"])
def test_written_signatures_are_the_real_ones(name: str) -> None:
    kind = getattr(nightdrop, name)
    for method, shown in re.findall(r"`(\w+)(\([^`]*\))`", PYTHON[name]):
        real = kind.__init__ if method == name else getattr(kind, method, None)
        if real is not None and shown != "(...)":
            assert f"{method}{shown}" == f"{method}{_signature(real)}"


def test_no_name_is_documented_that_does_not_exist() -> None:
    assert set(PYTHON) - {
        "",
        "Python",
        "nightdrop.rules",
        "nightdrop.schemas",
        "nightdrop.steps",
        "nightdrop.testing",
    } == set(nightdrop.__all__)


def test_the_built_in_schemas_are_documented() -> None:
    section = named(PYTHON["nightdrop.schemas"])
    for model in (schemas.Invoice, schemas.InvoiceLine):
        assert {model.__name__, *model.model_fields} <= section


def test_every_rule_is_documented_as_it_is_called() -> None:
    section = PYTHON["nightdrop.rules"]
    assert set(rules.__all__) <= named(section)
    for name in set(rules.__all__) - {"Failed", "Rule"}:
        assert f"`{name}{_signature(getattr(rules, name))}`" in section, name


def test_every_ready_made_step_is_documented() -> None:
    section = PYTHON["nightdrop.steps"]
    assert set(steps.__all__) <= named(section)
    for name in ("Classify", "Export", "Extract", "Merge", "by_words"):
        made = getattr(steps, name)
        assert f"`{name}{_signature(made.__init__ if inspect.isclass(made) else made)}`" in section, name


def _run() -> RunOutput:
    files = (FileRef(sha256=None, filename="a.pdf", mime_type=None, source="in/a.pdf"),)
    return RunOutput(
        run_id="r",
        session_id="s",
        status=RunStatus.ERROR,
        input=RunInput(message="", files=files),
        error=RunError(code="no_text", message=""),
        fields={"total": nightdrop.FieldResult(value="1")},
        checks=(nightdrop.Check(rule="r", passed=True),),
    )


def _keys(data: Any) -> set[str]:
    """The keys of a plain value and of what it holds; not the paths of fields, which are the schema's."""
    if isinstance(data, list):
        return {key for item in data for key in _keys(item)}
    if not isinstance(data, dict):
        return set()
    inner = {
        name: list(value.values()) if name == "fields" and isinstance(value, dict) else value
        for name, value in data.items()
    }
    return set(data) | {key for value in inner.values() for key in _keys(value)}


def test_every_key_of_a_result_row_is_documented() -> None:
    section = named(RESULTS.sections["A result row"])
    assert _keys(result_row(_run(), "in/a.pdf", "b")) | set(COLUMNS) <= section


def test_every_key_of_a_run_is_documented() -> None:
    section = named(RESULTS.sections["A run as JSON"]) | named(RESULTS.sections["A result row"])
    assert _keys(_run().to_json()) | {"waits_for"} <= section


def test_every_key_of_a_batch_and_a_dead_letter_is_documented() -> None:
    now = datetime.now(UTC)
    batch = BatchProgress(
        id="b",
        status=BatchStatus.COMPLETED,
        agent_id="a",
        source="in",
        total=1,
        done=1,
        failed=0,
        skipped=0,
        documents=1,
        cost=Decimal(0),
        created_at=now,
        completed_at=now,
    )
    letter = DeadLetter(
        id="d",
        run_id="r",
        agent_id="a",
        batch_id="b",
        code="no_text",
        message="",
        retryable=False,
        attempts=1,
        sha256=None,
        file=None,
        state=DeadLetterState.OPEN,
        created_at=now,
    )
    section = named(RESULTS.sections["A batch as JSON"])
    assert _keys(batch.to_json()) | _keys(letter.to_json()) | {"dead_letters"} <= section


def test_every_key_of_a_review_is_documented() -> None:
    review = Review(
        id="r",
        run_id="r",
        attempt=1,
        agent_id="a",
        batch_id=None,
        kind=nightdrop.ReviewKind.DOUBT,
        field="total",
        reasons=(),
        value="1",
        found=None,
        candidates=(),
        schema={},
        risk=0.5,
        state=nightdrop.ReviewState.OPEN,
        created_at=datetime.now(UTC),
    )
    accuracy = nightdrop.Accuracy(agent_id="a", kind=nightdrop.ReviewKind.SAMPLE, field="total", right=1, wrong=0)
    section = named(RESULTS.sections["A review as JSON"])
    assert _keys(review.to_json()) | _keys(accuracy.to_json()) <= section


def test_every_key_of_costs_is_documented() -> None:
    row = CostRow(key="k", calls=1, open_calls=0, input_tokens=0, output_tokens=0, cost=None)
    assert _keys(row.to_json()) | {"items", "total"} <= named(RESULTS.sections["Costs as JSON"])


def test_every_key_of_a_call_is_documented() -> None:
    assert set(LedgerCall.__slots__) <= named(RESULTS.sections["A call as JSON"])


def test_every_table_and_column_is_documented() -> None:
    rows = {row[0].strip("`"): named(row[2]) for row in RESULTS.rows if row[0].startswith("`nightdrop_")}
    assert set(rows) == {*metadata.tables, "nightdrop_schema"}
    for name, table in metadata.tables.items():
        assert set(table.columns.keys()) <= rows[name], name
