from __future__ import annotations

import hashlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from provider_client import PDF, chat_body

from nightdrop.testing import read_meter_file
from nightdrop.testing.command import main, parser, provider_from

COMMAND = [sys.executable, "-W", "error", "-m", "nightdrop.testing.provider", "--port", "0"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), process.communicate()
        assert line.endswith("/v1\n")
        yield process, int(line.split(":")[2].split("/")[0])
    finally:
        process.kill()
        process.communicate()


def ask(port: int, body: dict[str, Any]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    answers, faults = tmp_path / "answers.json", tmp_path / "faults.json"
    answers.write_text(json.dumps({hashlib.sha256(PDF).hexdigest(): {"shop": "Corner", "total": 1}}))
    faults.write_text(json.dumps({"2": "500"}))
    meter = tmp_path / "meter.jsonl"
    with running("--answers", str(answers), "--faults", str(faults), "--meter-file", str(meter)) as (process, port):
        status, body = ask(port, chat_body())
        assert status == 200
        assert json.loads(body["choices"][0]["message"]["content"]) == {"shop": "Corner", "total": 1}
        assert ask(port, chat_body())[0] == 500
        process.send_signal(number)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0
    assert [call.outcome for call in read_meter_file(meter)] == ["answered", "500"]


def test_the_meter_file_survives_a_kill(tmp_path: Path) -> None:
    with running("--meter-file", str(tmp_path / "meter.jsonl")) as (process, port):
        assert ask(port, chat_body())[0] == 200
        process.kill()
        process.wait()
    assert [call.billed for call in read_meter_file(tmp_path / "meter.jsonl")] == [True]


def test_options_reach_the_provider(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text('["weather", {"name": "search", "arguments": {"q": "x"}}]')
    options = parser().parse_args(
        f"--port 0 --tools {tools} --requests-per-minute 60 --tokens-per-minute 70 --concurrency 8 --window 1 "
        "--price-input 1 --price-cached-input 0.5 --price-output 2 --cached-share 0.25 --latency uniform:0:0".split()
    )
    with provider_from(options) as provider:
        connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=30)
        connection.request("GET", "/_limits")
        limits = json.loads(connection.getresponse().read())
        connection.close()
    assert (limits["requests_per_minute"], limits["concurrency"], limits["window_seconds"]) == (60, 8, 1.0)
    assert str(provider.meter.price.cached_input) == "0.5"


@pytest.mark.parametrize(
    ("option", "content"),
    [("--faults", "{"), ("--faults", '[{"kind": "x"}]'), ("--answers", "[]"), ("--tools", "{}"), ("--tools", "[3]")],
)
def test_bad_calls_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, content: str) -> None:
    file = tmp_path / "given.json"
    file.write_text(content)
    assert main([option, str(file)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert main([option, str(tmp_path / "missing.json")]) == 2
