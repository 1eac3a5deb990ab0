"""Input that cannot be used: one run raises a typed error before anything is stored."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, InputError, NightdropError, RunStatus, UsageError
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.fundamentals.bad_files import ODD_NAMES, bad_contents, bad_places, code_of, site
from tests.fundamentals.conftest import MESSAGE, document

CONTENTS = sorted(bad_contents())


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "1")


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with site() as address:
        yield address


def refused(agent: Agent, query: Any, *files: File) -> InputError:
    """The error of a run over these files; nothing of it is in the database."""
    with pytest.raises(InputError) as caught:
        agent.run(MESSAGE, files=files)
    assert query("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM letters)") == [(0, 0)]
    return caught.value


@pytest.mark.parametrize("name", CONTENTS)
def test_unusable_bytes_are_refused_with_their_code(agent: Agent, query: Any, tmp_path: Path, name: str) -> None:
    """Empty, corrupt, encrypted, without pages, mismatched, unsupported, too large: a code each, no rows, no bytes."""
    path = tmp_path / name
    path.write_bytes(bad_contents()[name])
    error = refused(agent, query, File(filepath=path))
    assert error.code == code_of(name)
    assert len(str(error)) < 400
    blobs = Path(agent.db.blobs.root)  # type: ignore[union-attr]
    kept = [p for p in blobs.rglob("*") if p.is_file() and p.stat().st_size == path.stat().st_size]
    assert kept == []


@pytest.mark.parametrize("name", CONTENTS)
def test_bytes_in_memory_are_refused_alike(plain_agent: Agent, name: str) -> None:
    """File(content=) takes the same way, and so does an agent without a database."""
    with pytest.raises(InputError) as caught:
        plain_agent.run(files=[File(content=bad_contents()[name], filename=name)])
    assert caught.value.code == code_of(name)


def test_places_that_hold_no_document_are_refused(agent: Agent, query: Any, tmp_path: Path) -> None:
    """A folder, a dangling or looping link, a device, a pipe: refused at once, none is waited for."""
    places = bad_places(tmp_path)
    assert len(places) == 5
    for name, path in places.items():
        assert refused(agent, query, File(filepath=path)).code == code_of(name), name
    assert refused(agent, query, File(filepath=tmp_path)).code == "file_unreadable"


@pytest.mark.parametrize(
    ("path", "code"),
    [("nothing.pdf", "file_not_found"), ("a\0b.txt", "file_unreadable"), ("x" * 5000, "file_unreadable")],
    ids=["missing", "NUL", "name too long"],
)
def test_paths_that_cannot_be_are_refused(agent: Agent, query: Any, path: str, code: str) -> None:
    """A path that names nothing, or that no system could hold."""
    assert refused(agent, query, File(filepath=path)).code == code


def test_one_bad_document_refuses_the_whole_run(agent: Agent, query: Any) -> None:
    """A run with one good and one unusable document is refused, and the good one is not stored either."""
    assert refused(agent, query, document(1), File(content=b"", filename="b.txt")).code == "file_empty"


@pytest.mark.parametrize("kind", list(ODD_NAMES))
def test_a_path_may_hold_any_character(agent: Agent, tmp_path: Path, kind: str) -> None:
    """Whatever the file system allows is read, stored and shown, as text that any encoder takes."""
    path = tmp_path / ODD_NAMES[kind]
    path.write_text(invoice_text(8))
    run = agent.run(MESSAGE, files=[File(filepath=path)])
    assert run.status is RunStatus.COMPLETED
    shown = agent.get_run_output(run.run_id).input.files[0]
    assert (shown.source or "").encode().decode().startswith(str(tmp_path))
    if kind != "not UTF-8":
        assert (shown.filename, shown.source) == (path.name, str(path))


def test_a_url_is_fetched_once_into_the_store(agent: Agent, web: str) -> None:
    """File(url=) is read like a path: its bytes are kept, its address is its name."""
    run = agent.run(MESSAGE, files=[File(url=f"{web}/good.txt?key=1")])
    assert run.content.invoice_number == "W-1"
    assert run.input.files[0].filename == "good.txt"
    assert run.input.files[0].source == f"{web}/good.txt?key=1"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("/gone.txt", "file_not_found"),
        ("/secret.txt", "file_unreadable"),
        ("/broken.txt", "file_unreadable"),
        ("/empty.txt", "file_empty"),
        ("/large.txt", "file_too_large"),
    ],
)
def test_a_url_that_does_not_answer_with_a_document(agent: Agent, query: Any, web: str, page: str, code: str) -> None:
    """404, 403, 500, no bytes, too many bytes: the code says which."""
    error = refused(agent, query, File(url=web + page))
    assert error.code == code
    assert page.strip("/") in str(error)


def test_a_dead_or_senseless_url_is_refused(agent: Agent, query: Any) -> None:
    """Nobody listens, the scheme is unknown, the address is none: typed errors, no traceback of a library."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/a.pdf"
        urls = [dead, "gopher://127.0.0.1/a.pdf", "http://", "http://[half/a.pdf", "http://127.0.0.1/\udcff.pdf"]
        for url in urls:
            assert refused(agent, query, File(url=url)).code == "file_unreadable", url


def test_a_file_url_is_a_path(agent: Agent, tmp_path: Path) -> None:
    """file:// reads a local file, with its name percent-decoded."""
    path = tmp_path / "a b ü.txt"
    path.write_text(invoice_text(9))
    assert agent.run(files=[File(url=path.as_uri())]).content.invoice_number == "INV-00009"


def test_a_file_is_one_of_path_url_or_bytes() -> None:
    """None of them or two of them is a wrong call."""
    for wrong in ({}, {"url": "http://x/a", "content": b"a"}, {"filepath": "a", "content": b"a"}):
        with pytest.raises(UsageError, match="exactly one of"):
            File(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="takes bytes"):
        File(content="text")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^bad_argument"):
        File(filepath=7)  # type: ignore[arg-type]


def test_wrong_arguments_are_said_as_such(plain_agent: Agent, tmp_path: Path) -> None:
    """Slips that everyone makes once: a lone path or File for files=, a path for db=."""
    for files in ("a.pdf", document(1), tmp_path):
        with pytest.raises(UsageError, match=r"^bad_argument: files="):
            plain_agent.run(files=files)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^bad_argument: db=.*SqliteDb"):
        Agent(model="local", output_schema=Invoice, db="nightdrop.db")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^model_unknown: model="):
        Agent(model="gpt", output_schema=Invoice)
    with pytest.raises(NightdropError, match=r"^schema_invalid: "):
        Agent(model="local", output_schema="invoice")  # type: ignore[arg-type]


def test_text_that_is_no_unicode_is_refused(agent: Agent, query: Any) -> None:
    """Half a character in a message or a session (as a shell may pass it) is a wrong call, not a crash in the store."""
    for wrong in ({"input": "\udcff"}, {"session_id": "\ud800"}, {"user_id": 7}):
        with pytest.raises(UsageError, match=r"^bad_argument: (message|session_id|user_id)="):
            agent.run(**{"files": [document(1)], **wrong})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^bad_argument: message="):
        agent.batch([document(1)], "\udcff")
    assert query("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM batches)") == [(0, 0)]


def test_a_broken_setting_is_a_wrong_call(plain_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is no number names its variable."""
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "lots")
    with pytest.raises(UsageError, match="NIGHTDROP_MAX_FILE_MB='lots'"):
        plain_agent.run(files=[document(1)])


def test_the_limit_is_a_setting(plain_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document over the limit is read once the limit is raised."""
    large = File(content=invoice_text(1).encode() + b" " * 1024 * 1024, filename="a.txt")
    with pytest.raises(InputError, match=r"^file_too_large: .*NIGHTDROP_MAX_FILE_MB"):
        plain_agent.run(files=[large])
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "2")
    assert plain_agent.run(files=[large]).status is RunStatus.COMPLETED


def test_root_reads_what_others_may_not(agent: Agent, query: Any, tmp_path: Path) -> None:
    """A file without read permission is refused as unreadable (for root it is an ordinary file)."""
    path = tmp_path / "locked.txt"
    path.write_text(invoice_text(1))
    path.chmod(0)
    if os.geteuid() == 0:
        assert agent.run(files=[path]).status is RunStatus.COMPLETED
    else:
        assert refused(agent, query, File(filepath=path)).code == "file_unreadable"
