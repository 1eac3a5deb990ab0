"""One drop of each kind, and the settings that sign in to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.drop import Drop
from tests.sources.servers import SERVERS


@pytest.fixture(params=sorted(SERVERS))
def drop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    """A drop on a real server; `sources.toml` has how to sign in, the environment the password."""
    with SERVERS[request.param](tmp_path) as made:
        settings = tmp_path / "sources.toml"
        settings.write_text(made.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(settings))
        monkeypatch.setenv("DROP_PASSWORD", made.secret)
        yield made
