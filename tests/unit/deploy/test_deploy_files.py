"""deploy/: what the files say exists, and their times agree with each other and with the worker's."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from nightdrop import AgentOS
from nightdrop.cli import cli
from nightdrop.http import app, serve
from nightdrop.settings import Settings
from nightdrop.worker import supervisor

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
CONTAINER = (DEPLOY / "Containerfile").read_text()


def unit(name: str = "worker") -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=True, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / f"nightdrop-{name}.service")
    return found


def parsed(command: Sequence[str]) -> dict[str, Any]:
    """The parameters of a `nightdrop ...` command line; fails where it would be a bad call."""
    found = cli.get_command(click.Context(cli), command[0])
    assert found is not None, command
    return found.make_context(command[0], list(command[1:])).params


def instruction(name: str) -> str:
    """The last instruction of this name in the Containerfile, its lines joined."""
    text = CONTAINER.replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)[-1]


def listed(text: str) -> list[str]:
    """The words of an instruction in JSON form."""
    return list(yaml.safe_load(text))


def stops_in(drain: float) -> float:
    """Seconds a worker needs to stop at most."""
    return drain + supervisor._GRACE_SECONDS


def test_the_container_runs_the_worker_as_nobody_special() -> None:
    given = parsed(listed(instruction("CMD")))
    assert given["app"] == "/app/app.py:agent_os"
    assert listed(instruction("ENTRYPOINT")) == ["nightdrop"]
    assert instruction("USER") == "10001:10001"
    assert instruction("FROM").endswith("-slim")
    assert instruction("STOPSIGNAL") == "SIGTERM"
    check = instruction("HEALTHCHECK").split(" CMD ")[1]
    assert listed(check) == ["nightdrop", "doctor"]
    assert parsed(listed(check)[1:]) == {"db": None, "as_json": False}


def test_what_the_container_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE)
    files = [name for line in copied for name in line.split()]
    kept = [line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    assert sorted(files) == sorted(kept)
    assert all((ROOT / name).exists() for name in files)


def test_the_application_of_the_container_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIGHTDROP_DB", str(tmp_path / "n.db"))
    spec = importlib.util.spec_from_file_location("deployed_app", DEPLOY / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert isinstance(module.agent_os, AgentOS)


def test_compose_has_postgres_and_two_workers() -> None:
    postgres, worker = COMPOSE["services"]["postgres"], COMPOSE["services"]["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert worker["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert postgres["healthcheck"]["test"][1] == "pg_isready"
    (volume,) = postgres["volumes"]
    assert volume.split(":")[0] in COMPOSE["volumes"]
    build = worker["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    given = parsed(worker["command"])
    assert int(worker["stop_grace_period"].removesuffix("s")) >= stops_in(given["drain_timeout"])
    secret = postgres["environment"]["POSTGRES_PASSWORD"]
    assert worker["environment"]["PGPASSWORD"] == secret == "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"


def test_the_unit_starts_the_worker_and_gives_it_time_to_drain() -> None:
    service = unit()["Service"]
    program, *command = shlex.split(service["ExecStart"])
    assert program == "/opt/nightdrop/bin/nightdrop"
    given = parsed(command)
    assert given["app"] == f"{service['WorkingDirectory']}/app.py:agent_os"
    assert float(service["TimeoutStopSec"]) >= stops_in(given["drain_timeout"])
    assert (service["KillSignal"], service["KillMode"], service["Restart"]) == ("SIGTERM", "mixed", "always")
    assert service["User"] not in ("", "root")
    assert "ProtectProc" not in service, "other users' processes would be taken for dead"


def serve_stops_in() -> float:
    """Seconds a service needs to stop at most."""
    return serve._GRACE_SECONDS + app.DRAIN_SECONDS + 10


def test_the_service_of_compose_is_reached_on_loopback_and_asks_for_tokens() -> None:
    service, worker = COMPOSE["services"]["service"], COMPOSE["services"]["worker"]
    given = parsed(service["command"])
    assert (given["app"], given["no_auth"]) == ("/app/app.py:agent_os", False)
    (port,) = service["ports"]
    assert port == f"127.0.0.1:{given['port']}:{given['port']}"
    assert int(service["stop_grace_period"].removesuffix("s")) >= serve_stops_in()
    assert service["image"] == worker["image"]
    assert service["environment"]["TMPDIR"] in instruction("RUN")
    (volume,) = service["volumes"]
    assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert f":{given['port']}/health/ready" in service["healthcheck"]["test"][-1]
    same = ("read_only", "cap_drop", "security_opt", "init", "stop_signal", "restart")
    assert {name: service[name] for name in same} == {name: worker[name] for name in same}
    assert service["environment"].items() >= worker["environment"].items()


def test_the_unit_of_the_service_listens_on_loopback_and_has_time_to_stop() -> None:
    service, worker = dict(unit("serve")["Service"]), dict(unit()["Service"])
    program, *command = shlex.split(service.pop("ExecStart"))
    assert program == "/opt/nightdrop/bin/nightdrop"
    given = parsed(command)
    assert (given["app"], given["host"]) == (f"{service['WorkingDirectory']}/app.py:agent_os", "127.0.0.1")
    assert float(service.pop("TimeoutStopSec")) >= serve_stops_in()
    own = {"Environment", "EnvironmentFile"}
    assert {n: v for n, v in service.items() if n not in own} == {
        n: v for n, v in worker.items() if n not in own | {"ExecStart", "TimeoutStopSec"}
    }


def test_settings_that_the_files_name_exist() -> None:
    known = {f"NIGHTDROP_{name.upper()}" for name in Settings.__dataclass_fields__}
    for path in DEPLOY.iterdir():
        assert set(re.findall(r"NIGHTDROP_[A-Z_]+", path.read_text())) <= known, path


def test_commands_that_the_page_shows_exist() -> None:
    for page in ("deploy", "scale", "backup"):
        text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["nightdrop"]:
                    parsed(words[1:])


@pytest.mark.parametrize("name", ["worker", "serve"])
def test_systemd_takes_the_unit(tmp_path: Path, name: str) -> None:
    """Where systemd is: its own check, with a program that is there in place of ours."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd-analyze here")
    text = (DEPLOY / f"nightdrop-{name}.service").read_text()
    copy = tmp_path / f"nightdrop-{name}.service"
    copy.write_text(text.replace("/opt/nightdrop/bin/nightdrop", shutil.which("true") or "/bin/true"))
    ended = subprocess.run([tool, "verify", str(copy)], capture_output=True, text=True)
    if "Failed to" in ended.stderr and "manager" in ended.stderr.lower():
        pytest.skip("systemd-analyze cannot work here")
    assert (ended.returncode, ended.stderr) == (0, "")
