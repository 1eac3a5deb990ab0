"""How to sign in: the longest fitting table of sources.toml, with what it names in the environment and in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdrop import File
from nightdrop.errors import UsageError
from nightdrop.servers.credentials import options_for, refuse_password


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.toml"
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(path))
    return path


def test_the_longest_fitting_table_counts(sources: Path) -> None:
    sources.write_text('["s3://in"]\nkey = "a"\n["s3://in/deep"]\nkey = "b"\n["sftp://host"]\nport = 22\n')
    assert options_for("s3://in/x") == {"key": "a"}
    assert options_for("s3://in/deep/x") == {"key": "b"}
    assert options_for("s3://inner/x") == {}
    assert options_for("sftp://somebody@host/drop") == options_for("sftp://host:22/drop") == {"port": 22}
    assert options_for("sftp://host.example/drop") == {}


def test_secrets_come_from_the_environment_and_from_files(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("WORD", "from the environment")
    sources.write_text(f'["s3://in"]\nkey = "env:WORD"\nclient_kwargs = {{ x = "file:{tmp_path}/secret" }}\n')
    assert options_for("s3://in") == {"key": "from the environment", "client_kwargs": {"x": "from a file"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["s3://in"]\nkey = "env:NOT_SET_ANYWHERE"\n', "no variable NOT_SET_ANYWHERE"),
        ('["s3://in"]\nkey = "file:/none/such"\n', "/none/such cannot be read"),
        ("key = 1\n", "stands outside of a table"),
        ("[", "is no TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(sources: Path, text: str, said: str) -> None:
    sources.write_text(text)
    with pytest.raises(UsageError, match=said):
        options_for("s3://in/x")


def test_no_file_is_no_options(sources: Path) -> None:
    assert not sources.exists()
    assert options_for("s3://in") == {}


@pytest.mark.parametrize("url", ["sftp://a:b@host/x", "zip://*.pdf::sftp://a:b@host/x.zip", "https://a:b@host/x"])
def test_a_password_in_a_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_password(url)
    assert "a:b" not in str(caught.value)
    assert ":b@" not in str(File(url=url).source)


def test_an_at_sign_in_a_path_is_no_password() -> None:
    refuse_password("s3://bucket/a:b@c.txt")
    assert File(url="s3://bucket/a:b@c.txt").source == "s3://bucket/a:b@c.txt"
