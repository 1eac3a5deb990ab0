"""The shape of the house: sizes, names, arrows, and promises that a file can break without any behaviour failing."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import nightdrop
from nightdrop import SqliteDb
from nightdrop.errors import NightdropError, every_error
from nightdrop.store.migrate import SCHEMA_VERSION
from nightdrop.store.tables import metadata

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nightdrop"
FILES = sorted([*SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}

# More than 8 parameters, each because DESIGN.md section 1 writes the call so. `self` does not count.
MANY_PARAMETERS = {
    "Agent.__init__": "the familiar constructor: model, schema, db, tools, limits, budget, review, ...",
    "Agent.run": "the familiar call: input, files, session_id, user_id, background, stream, rerun, metadata",
    "Agent.arun": "the same, async",
    "Step.__init__": "what runs, what it is asked, and what happens when it fails",
    "Runnable.abatch": "source, input and how to go through it",
    "Workflow.__init__": "as for an agent",
    "ScheduleManager.create": "a schedule's row, as DESIGN.md writes it",
    "ScheduleManager.acreate": "the same, async",
}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def test_files_stay_under_300_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES}
    assert {path: length for path, length in lengths.items() if length >= 300} == {}


def test_functions_stay_within_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {name} {node.end_lineno - node.lineno + 1}"
        for path in FILES
        for name, node in functions(parsed(path))
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > 50
    ]
    assert long == []


def test_functions_take_at_most_8_parameters() -> None:
    many = set()
    for path in SOURCE.rglob("*.py"):
        for name, node in functions(parsed(path)):
            given = node.args
            names = [
                a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")
            ]
            if len(names) > 8 and name not in MANY_PARAMETERS:
                many.add(f"{path.relative_to(ROOT)}: {name}: {len(names)}")
    assert many == set()


def test_files_are_named_after_what_they_hold() -> None:
    assert [str(p.relative_to(ROOT)) for p in FILES if p.stem.lower() in NAMELESS] == []
    folders = {p.name for p in SOURCE.rglob("*") if p.is_dir()}
    assert folders & NAMELESS == set()


def test_only_the_clock_reads_the_clock() -> None:
    """Time is an argument: nobody else calls time.time, time.monotonic or datetime.now."""
    reads = []
    for path in SOURCE.rglob("*.py"):
        if path.name == "clock.py":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                call = f"{node.value.id}.{node.attr}"
                if call in ("time.time", "time.time_ns", "time.monotonic", "datetime.now", "datetime.utcnow"):
                    reads.append(f"{path.relative_to(ROOT)}:{node.lineno} {call}")
    assert reads == []


def test_the_library_does_not_print() -> None:
    """print() stands only in the command line and in the simulated provider's command."""
    prints = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] not in ("cli", "testing")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert prints == []


def contracts() -> list[dict[str, Any]]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert isinstance(found, list)
    return found


def test_the_arrows_are_a_contract() -> None:
    """import-linter's layers name every module and package of ours."""
    (layers,) = [c for c in contracts() if c["type"] == "layers"]
    assert layers["exhaustive"] is True
    named = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    ours = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py"} | {
        p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists()
    }
    assert ours - {"__init__", "__main__"} == named


def test_only_the_engine_imports_dbos_and_only_agents_pydantic_ai() -> None:
    """Both contracts name every other package: one that is left out could import what it likes."""
    forbidden = {
        m: set(c["source_modules"]) for c in contracts() if c["type"] == "forbidden" for m in c["forbidden_modules"]
    }
    packages = {f"nightdrop.{p.name}" for p in SOURCE.iterdir() if (p / "__init__.py").exists()}
    assert packages - forbidden["dbos"] == {"nightdrop.engine"}
    assert packages - forbidden["pydantic_ai"] == {"nightdrop.agents"}


@pytest.mark.parametrize("name", nightdrop.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    found = getattr(nightdrop, name)
    assert inspect.getdoc(found)
    for attribute, value in vars(found).items():
        member = value.fget if isinstance(value, property) else value
        if not attribute.startswith("_") and inspect.isfunction(member):
            assert inspect.getdoc(member), f"{name}.{attribute}"


def test_the_public_names_are_the_list() -> None:
    assert sorted(nightdrop.__all__) == list(nightdrop.__all__) == dir(nightdrop)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        nightdrop.Nothing  # noqa: B018 - the access is what is tested


def test_every_error_has_a_code_of_its_own_and_says_what_it_means() -> None:
    _import_everything()
    ours = [kind for kind in every_error() if kind.__module__.startswith("nightdrop.")]
    codes = [kind.code for kind in ours]
    assert sorted(set(codes)) == sorted(codes)
    for kind in ours:
        assert "code" in vars(kind), kind
        assert vars(kind).get("__doc__"), kind
        assert 400 <= kind.http_status < 600
        first_line = inspect.cleandoc(kind.__doc__ or "").split("\n")[0]
        assert str(kind()) == f"{kind.code}: {first_line}"


def test_an_error_carries_its_code_into_text_and_subclasses_catch() -> None:
    error = NightdropError("the disk is full", code="storage_failed")
    assert (str(error), error.code, error.message) == (
        "storage_failed: the disk is full",
        "storage_failed",
        "the disk is full",
    )


def test_the_schema_version_is_alembics_head() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(SOURCE / "store" / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [SCHEMA_VERSION]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "versions are compared as text: they must sort"


def test_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    """Columns, types, defaults, indexes and unique keys: a fresh database equals the MetaData."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    db = SqliteDb(tmp_path / "n.db")
    with db.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": "nightdrop_schema",
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or str(name).startswith("nightdrop_"),
            },
        )
        assert compare_metadata(context, metadata) == []
        migrated = _statements(connection)
    db.close()
    other = sa.create_engine("sqlite://")
    with other.connect() as connection:
        metadata.create_all(connection)
        assert _statements(connection) == migrated, "partial indexes and keys differ"
    other.dispose()


def _statements(connection: sa.Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE name LIKE '%nightdrop\\_%' ESCAPE '\\' AND sql IS NOT NULL"
    )
    return {
        name: " ".join(sql.replace("\n", " ").replace("\t", " ").split()).replace("( ", "(").replace(" )", ")")
        for name, sql in rows
        if name != "nightdrop_schema"
    }


def test_the_package_carries_its_data() -> None:
    """py.typed and the migrations are files of the package, so that a wheel has them."""
    package = resources.files("nightdrop")
    assert package.joinpath("py.typed").is_file()
    versions = [p.name for p in package.joinpath("store/migrations/versions").iterdir()]
    assert f"{SCHEMA_VERSION}_" in {name[: len(SCHEMA_VERSION) + 1] for name in versions}
    assert package.joinpath("store/migrations/env.py").is_file()
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert built["packages"] == ["src/nightdrop"]


def _import_everything() -> None:
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if "migrations" in parts or parts[-1] == "__main__" or parts[1] == "testing":
            continue
        import_module(".".join(parts).removesuffix(".__init__"))
