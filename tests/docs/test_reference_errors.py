"""Settings, error codes and fault points: the reference says exactly what the code has."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from nightdrop.agents.retry_policy import RULES
from nightdrop.errors import InputError, UsageError, every_error
from nightdrop.faults import POINTS
from nightdrop.settings import Settings
from tests.docs.pages import ROOT, page

SOURCES = {path: path.read_text(encoding="utf-8") for path in Path(ROOT, "src", "nightdrop").rglob("*.py")}


def _in_sources(pattern: str) -> set[str]:
    return {match for text in SOURCES.values() for match in re.findall(pattern, text)}


def _documented_errors() -> dict[str, list[str]]:
    return {row[0].strip("`"): row[1:] for row in page("docs/reference/errors.md").rows if len(row) == 6}


def test_every_error_code_is_documented_as_it_is() -> None:
    rows = _documented_errors()
    wrong = []
    for kind in every_error():
        if not kind.__module__.startswith("nightdrop"):
            continue  # a test's own
        exit_code = 2 if issubclass(kind, UsageError | InputError) else 1
        expected = [f"`{kind.__name__}`", str(kind.http_status), "yes" if kind.retryable else "no", str(exit_code)]
        if rows.get(kind.code, [])[:4] != expected:
            wrong.append(f"{kind.code}: {rows.get(kind.code)} instead of {expected}")
    assert not wrong


def test_codes_given_in_passing_are_documented_and_nothing_else_is() -> None:
    codes = {kind.code for kind in every_error()} | _in_sources(r'\bcode="([a-z_]+)"')
    assert set(_documented_errors()) - {"code"} >= codes
    known = codes | {"code"} | {row for row in _documented_errors() if row.startswith("---")}
    assert set(_documented_errors()) <= known


def test_every_setting_is_documented_with_its_default() -> None:
    defaults = {row[0].strip("`"): row[1] for row in page("docs/reference/settings.md").rows}
    for setting in fields(Settings):
        assert defaults.get(f"NIGHTDROP_{setting.name.upper()}") == f"`{setting.default}`", setting.name


def test_the_settings_page_has_every_variable_that_is_read_and_no_other() -> None:
    variable = r"\bNIGHTDROP_[A-Z_]+[A-Z]\b"
    assert set(re.findall(variable, page("docs/reference/settings.md").text)) == _in_sources(variable)


def test_every_fault_point_is_documented_and_reached() -> None:
    rows = page("docs/design/engine.md").rows
    documented = [row[0].strip("`") for row in rows if re.fullmatch(r"`[a-z]+\.[a-z]+`", row[0])]
    assert documented == list(POINTS)
    assert _in_sources(r'\breach\("([a-z.]+)"\)') == set(POINTS)


def test_the_table_of_retries_is_the_codes() -> None:
    rows = {row[0].strip("`"): row[1:3] for row in page("docs/design/retries.md").rows if row[0].startswith("`")}
    assert rows == {c: [r.again.replace("_", " "), "yes" if r.spends else "no"] for c, r in RULES.items()}
