"""The reader pool: what a task says comes back, what a task breaks stays with its own document."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import (
    DocumentTooComplex,
    NightdropError,
    PdfCorrupt,
    ReaderFailed,
    SchemaInvalid,
    SchemaTooFree,
    UsageError,
)

TASK = "hostile_tasks:{}"


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(1, timeout_seconds=20, memory_mb=600) as pool:
        yield pool


def run(pool: ReaderPool, name: str, content: bytes = b"x", **params: object) -> dict[str, object]:
    return pool.submit(TASK.format(name), content, params).result(timeout=60)


def test_content_and_params_arrive_whole(pool: ReaderPool) -> None:
    answer = run(pool, "echo", b"\x00" * 3_000_000, title="Fälligkeit 発票", nothing=None)
    assert answer["length"] == 3_000_000
    assert answer["params"] == {"title": "Fälligkeit 発票", "nothing": None}


def test_a_child_serves_many_documents(pool: ReaderPool) -> None:
    assert len({run(pool, "echo")["pid"] for _ in range(20)}) == 1


def test_empty_content(pool: ReaderPool) -> None:
    assert run(pool, "echo", b"")["length"] == 0


@pytest.mark.parametrize(("task", "reason"), [("segfault", "SIGSEGV"), ("leave", "exit code 3"), ("forge", "crash")])
def test_a_crash_fails_only_its_own_document(pool: ReaderPool, task: str, reason: str) -> None:
    with pytest.raises(DocumentTooComplex, match=reason):
        run(pool, task)
    assert run(pool, "echo")["length"] == 1


def test_memory_is_limited(pool: ReaderPool) -> None:
    with pytest.raises(DocumentTooComplex, match="600 MB of memory"):
        run(pool, "eat_memory")
    assert run(pool, "echo")["length"] == 1


def test_a_task_over_time_is_killed() -> None:
    with ReaderPool(1, timeout_seconds=0.3) as pool:
        before = run(pool, "echo")["pid"]
        with pytest.raises(DocumentTooComplex, match=r"more than 0\.3 s \(timeout\)"):
            run(pool, "loop")
        assert run(pool, "echo")["pid"] != before


def test_prints_do_not_reach_the_frames(pool: ReaderPool, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(pool, "chatter") == {"stdin": "", "fd0": ""}
    assert capfd.readouterr().out == ""


def test_killed_from_outside_is_tried_once_more(pool: ReaderPool, tmp_path: Path) -> None:
    assert run(pool, "killed_once", mark=str(tmp_path / "mark")) == {"again": True}


def test_killed_twice_is_the_document(pool: ReaderPool) -> None:
    with pytest.raises(DocumentTooComplex, match="SIGKILL"):
        run(pool, "killed_always")


def test_a_child_killed_while_idle_is_replaced(pool: ReaderPool) -> None:
    pid = run(pool, "echo")["pid"]
    assert isinstance(pid, int)
    os.kill(pid, 9)
    assert run(pool, "echo")["pid"] != pid


@pytest.mark.parametrize(
    ("task", "kind", "text"),
    [
        ("corrupt", PdfCorrupt, "pdf_corrupt: page 7 is damaged"),
        ("too_free", SchemaTooFree, "schema_needs_model: no prose, please"),
        ("bad_schema", SchemaInvalid, "schema_invalid: not a schema"),
        ("bug", ReaderFailed, "reader_failed: ZeroDivisionError: oh no: ü"),
        ("not_json", ReaderFailed, "reader_failed: TypeError: "),
        ("nonexistent", ReaderFailed, "reader_failed: cannot load hostile_tasks:nonexistent: AttributeError"),
        ("deep", DocumentTooComplex, "document_too_complex: the document is nested too deeply"),
    ],
)
def test_errors_come_back_as_they_were(pool: ReaderPool, task: str, kind: type[NightdropError], text: str) -> None:
    with pytest.raises(NightdropError) as caught:
        run(pool, task)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(text)


def test_a_module_that_does_not_exist(pool: ReaderPool) -> None:
    with pytest.raises(NightdropError, match="ModuleNotFoundError"):
        pool.submit("no_such_module:run", b"", {}).result(timeout=60)


def test_children_do_not_get_the_keys(pool: ReaderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("NIGHTDROP_DB", "postgresql://user:secret@host/db")
    with ReaderPool(1) as fresh:
        names = run(fresh, "environment")["names"]
    assert isinstance(names, list)
    assert not {"OPENAI_API_KEY", "NIGHTDROP_DB"} & set(names)


def test_ctrl_c_is_the_parents_business(pool: ReaderPool) -> None:
    assert run(pool, "interrupt") == {"alive": True}


def test_documents_run_side_by_side() -> None:
    with ReaderPool(2) as pool:
        answers = [pool.submit(TASK.format("echo"), b"x" * 100_000, {"n": n}) for n in range(60)]
        results = [answer.result(timeout=60) for answer in answers]
    assert [r["params"]["n"] for r in results] == list(range(60))
    assert len({r["pid"] for r in results}) <= 2


async def test_call_from_an_event_loop(pool: ReaderPool) -> None:
    answers = await asyncio.gather(*(pool.call(TASK.format("echo"), b"abc", {"n": n}) for n in range(5)))
    assert [answer["params"]["n"] for answer in answers] == list(range(5))


async def test_cancelling_a_call_leaves_the_pool_usable() -> None:
    with ReaderPool(1, timeout_seconds=0.5) as pool:
        busy = asyncio.ensure_future(pool.call(TASK.format("loop"), b"", {}))
        waiting = asyncio.ensure_future(pool.call(TASK.format("echo"), b"", {}))
        await asyncio.sleep(0)
        waiting.cancel()
        busy.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await busy
        assert (await pool.call(TASK.format("echo"), b"abc", {}))["length"] == 3


def test_a_pool_works_from_several_event_loops(pool: ReaderPool) -> None:
    found: list[object] = []

    def loop() -> None:
        found.append(asyncio.run(pool.call(TASK.format("echo"), b"ab", {}))["length"])

    threads = [threading.Thread(target=loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2, 2, 2]


def test_closing_ends_children_and_what_waits() -> None:
    pool = ReaderPool(1, timeout_seconds=60)
    pid = run(pool, "echo")["pid"]
    busy = pool.submit(TASK.format("loop"), b"", {})
    waiting = pool.submit(TASK.format("echo"), b"", {})
    while not busy.running():
        pass
    pool.close()
    pool.close()
    with pytest.raises(NightdropError, match="closed"):
        busy.result(timeout=10)
    assert waiting.cancelled()
    assert isinstance(pid, int)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(UsageError, match="closed"):
        pool.submit(TASK.format("echo"), b"", {})


def test_a_script_without_main_guard_ends_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            from nightdrop.documents.pool import ReaderPool
            pool = ReaderPool(1)
            params = {"mime_type": "text/plain"}
            print(pool.submit("nightdrop.documents.inspect:inspect", b"x", params).result())
            pool.submit("hostile_tasks:loop", b"x", {})
            """
        )
    )
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": path}
    )
    assert (done.stdout, done.stderr, done.returncode) == ("{'pages': 1}\n", "", 0)
