"""A server whose client is not installed: the error names what to install, and nothing of how to sign in."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from fsspec.registry import _registry

from nightdrop import Agent, SqliteDb
from nightdrop.errors import ExtraMissing
from nightdrop.intake.listing import list_source
from nightdrop.schemas import Invoice

SECRET = "s3cret-word"


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("abfs://in@account.dfs.core.windows.net/drop/", "adlfs", "azure"),
        ("abfss://in@account.dfs.core.windows.net/drop/", "adlfs", "azure"),
        ("az://in/drop/", "adlfs", "azure"),
        ("smb://nightly@host/share/drop/", "smbclient", "smb"),
        ("gdrive://drop/", "google.auth.transport.requests", "gdrive"),
        ("onedrive://in/", "msgraphfs", "onedrive"),
        ("zip://*.pdf::smb://nightly@host/share/week.zip", "smbclient", "smb"),
    ],
)
def test_a_missing_extra_is_named(
    url: str,
    package: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("gdrive", "drive_client"):
        monkeypatch.delitem(sys.modules, f"nightdrop.servers.{name}", raising=False)
    for name in ("abfs", "az", "gdrive", "msgd", "smb"):
        monkeypatch.delitem(_registry, name, raising=False)
    caplog.set_level(logging.DEBUG)
    (tmp_path / "sources.toml").write_text(f'["{url.rpartition("::")[2].rstrip("/")}"]\npassword = "{SECRET}"\n')
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
    with pytest.raises(ExtraMissing, match=rf'pip install "nightdrop\[{extra}\]"') as caught:
        list_source(url)
    db = SqliteDb(tmp_path / "nightdrop.db")
    agent = Agent(id="remote", model="local", output_schema=Invoice, db=db)
    with pytest.raises(ExtraMissing):
        agent.batch(url)
    (run,) = agent.batch([f"{url.replace('*', 'a')}a.pdf"]).results()  # in a list it is a reason against this document
    assert run.error is not None
    assert f"nightdrop[{extra}]" in run.error.message
    db.close()
    assert SECRET not in f"{caught.value} {run.error} {caplog.text}"
    for path in tmp_path.glob("nightdrop.db*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
