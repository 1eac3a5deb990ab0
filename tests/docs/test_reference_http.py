"""The HTTP reference has every route and form field, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from nightdrop import Agent, AgentOS, SqliteDb
from nightdrop.http.forms import RunForm
from nightdrop.schemas import Invoice
from tests.docs.pages import page

PAGE = page("docs/reference/http.md")


def _served(folder: Path) -> dict[str, dict[str, object]]:
    db = SqliteDb(folder / "never-opened.db")
    app = AgentOS(agents=[Agent(id="a", model="local", output_schema=Invoice)], db=db).get_app()
    paths: dict[str, dict[str, object]] = app.openapi()["paths"]
    return paths


def test_every_route_is_documented_and_no_other(tmp_path: Path) -> None:
    served = {f"{method.upper()} {path}" for path, methods in _served(tmp_path).items() for method in methods}
    documented = {name for row in PAGE.rows for name in re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", row[0])}
    assert documented == served


def test_every_field_of_the_form_is_documented() -> None:
    fields = {row[0].strip("`") for row in PAGE.rows}
    assert {*RunForm.model_fields, "files"} <= fields
