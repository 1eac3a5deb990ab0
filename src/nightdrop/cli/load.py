"""Finding what a command works on: what `app.py:agent` names, or --model and --schema describe, and the database."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightdrop.errors import UsageError
from nightdrop.settings import Settings, load_settings
from nightdrop.store import Database, SqliteDb
from nightdrop.store.place import database_at

if TYPE_CHECKING:
    from nightdrop.http.agent_os import AgentOS
    from nightdrop.public.agent import Agent
    from nightdrop.public.runnable import Runnable
    from nightdrop.public.workflow import Workflow


def load_agent(reference: str) -> Agent:
    """The Agent named by `path/app.py:name` or `package.module:name`. Raises UsageError that says what is wrong."""
    from nightdrop.public.agent import Agent

    found = load_object(reference, "--agent")
    if not isinstance(found, Agent):
        raise UsageError(f"--agent {reference}: it is a {type(found).__name__}, not a nightdrop.Agent")
    return found


def load_workflow(reference: str, option: str = "--workflow") -> Workflow:
    """The Workflow named by `path/app.py:name` or `package.module:name`. Raises UsageError that says what is wrong."""
    from nightdrop.public.workflow import Workflow

    found = load_object(reference, option)
    if not isinstance(found, Workflow):
        raise UsageError(f"{option} {reference}: it is a {type(found).__name__}, not a nightdrop.Workflow")
    return found


def load_agents(reference: str, db_path: str | None) -> AgentOS:
    """What `app.py:agent_os` names (an AgentOS, an Agent, a Workflow, or a list of those), on one database.

    Raises UsageError.
    """
    from nightdrop.http.agent_os import AgentOS
    from nightdrop.public.agent import Agent
    from nightdrop.public.workflow import Workflow

    found = load_object(reference, "APP")
    if isinstance(found, AgentOS):
        together: Any = [*found.agents, *found.workflows]
    else:
        together = [found] if isinstance(found, Agent | Workflow) else found
    if not isinstance(together, list | tuple) or not all(isinstance(one, Agent | Workflow) for one in together):
        raise UsageError(
            f"{reference}: it is a {type(found).__name__}, not an AgentOS, an Agent, a Workflow or a list of those"
        )
    if db_path is not None:
        for one in together:
            one.db = None
    own = next((one for one in together if one.db is not None), None)
    served = isinstance(found, AgentOS)
    return AgentOS(
        agents=[one for one in together if isinstance(one, Agent)],
        workflows=[one for one in together if isinstance(one, Workflow)],
        db=open_database(db_path, own),
        scheduler=served and found.scheduler,
        webhooks=found.webhooks if served else (),
    )


def load_object(reference: str, option: str) -> Any:
    """The object at `app.py:name` or `module:name`; dotted names reach into it."""
    place, _, name = reference.rpartition(":")
    if not place or not name:
        raise UsageError(f"{option} {reference}: write it as app.py:name or module:name")
    module = _module(place, option)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{option} {reference}: {place} has no {name!r}")
        found = getattr(found, part)
    return found


def schema_agent(model: str, schema: str, db: Database) -> Agent:
    """An agent without code: --model (several with commas between) and --schema (`invoice`, `module:Class` or a JSON
    schema file)."""
    from nightdrop.public.agent import Agent  # loads the engine: only commands that run something need it

    models = [name.strip() for name in model.split(",")]
    return Agent(model=models, output_schema=_schema(schema), db=db, id=f"{'-'.join(models)}-{_schema_name(schema)}")


def open_database(path: str | None, runnable: Runnable | None = None) -> Database:
    """--db, else the agent's or workflow's, else NIGHTDROP_DB, else ./nightdrop.db."""
    if path is not None:
        return database_at(path)
    if runnable is not None and runnable.db is not None:
        return runnable.db
    return database_at(load_settings().db or Settings().db)  # an empty NIGHTDROP_DB is none


def existing_database(path: str | None) -> Database:
    """The database of a command that only reads. Raises UsageError where there is none."""
    db = open_database(path)
    if isinstance(db, SqliteDb) and not db.path.exists():
        raise UsageError(f"there is no database {db.path}: name one with --db or NIGHTDROP_DB")
    return db


def _module(place: str, option: str) -> Any:
    try:
        if place.endswith(".py") or os.sep in place:
            return _from_file(Path(place), option)
        if "" not in sys.path:
            sys.path.insert(0, "")
        return importlib.import_module(place)
    except UsageError:
        raise
    except Exception as error:  # the user's own module: whatever it raises is theirs to see
        raise UsageError(f"{option}: {place} cannot be loaded: {type(error).__name__}: {error}") from error


def _from_file(path: Path, option: str) -> Any:
    if not path.is_file():
        raise UsageError(f"{option}: there is no file {path}")
    name = path.stem if path.stem.isidentifier() else "app"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{option}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def _schema(schema: str) -> Any:
    if schema == "invoice":
        from nightdrop.schemas import Invoice

        return Invoice
    if schema.endswith(".json"):
        try:
            data = json.loads(Path(schema).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"--schema {schema}: {error}") from error
        if not isinstance(data, dict):
            raise UsageError(f"--schema {schema}: a JSON schema is an object")
        return data
    if ":" in schema:
        return load_object(schema, "--schema")
    raise UsageError(f"--schema {schema}: give invoice, module:Class or a JSON schema file ending in .json")


def _schema_name(schema: str) -> str:
    return Path(schema).stem if schema.endswith(".json") else schema.rpartition(":")[2].lower()
