"""`python -m nightdrop.testing.provider`: the simulated provider as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.testing.answers import Answers
from nightdrop.testing.faults import FaultPlan
from nightdrop.testing.latency import Latency
from nightdrop.testing.limits import Limits
from nightdrop.testing.meter import Meter
from nightdrop.testing.price import Price
from nightdrop.testing.provider import SimulatedProvider
from nightdrop.testing.tool_script import ToolCall


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code: 0, or 2 for a bad call or a port that is taken."""
    options = parser().parse_args(arguments)
    try:
        provider = provider_from(options)
        asyncio.run(_serve(provider))
    except (UsageError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    usual = Price()
    made = argparse.ArgumentParser(
        prog="python -m nightdrop.testing.provider",
        description="A simulated provider on 127.0.0.1: OpenAI's chat completions and responses, Anthropic's messages.",
    )
    made.add_argument("--port", type=int, default=8089, help="port to listen on; 0 picks a free one")
    made.add_argument("--latency", default="0", help="SECONDS, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA")
    made.add_argument("--seed", type=int, default=0, help="seed of latency and of generated answers")
    made.add_argument("--answers", type=Path, help="JSON file: {sha256 of a file, or name of a schema: answer}")
    made.add_argument("--faults", type=Path, help="JSON file with the fault plan")
    made.add_argument("--tools", type=Path, help="JSON file: list of tool calls to make before the answer")
    made.add_argument("--requests-per-minute", type=int, help="hidden limit")
    made.add_argument("--tokens-per-minute", type=int, help="hidden limit")
    made.add_argument("--concurrency", type=int, help="hidden limit of calls at the same time")
    made.add_argument("--window", type=float, default=60.0, help="seconds of the rate that one burst may use")
    made.add_argument("--meter-file", type=Path, help="append each meter entry to this JSONL file")
    made.add_argument("--price-input", type=Decimal, default=usual.input, help="USD per million input tokens")
    made.add_argument("--price-cached-input", type=Decimal, default=usual.cached_input, help="the same, cached")
    made.add_argument("--price-output", type=Decimal, default=usual.output, help="USD per million output tokens")
    made.add_argument("--prompt-cache", action="store_true", help="remember beginnings of requests, as providers do")
    made.add_argument("--cached-share", type=float, default=0.0, help="share of each input read from the cache, 0 to 1")
    return made


def provider_from(options: argparse.Namespace) -> SimulatedProvider:
    """The provider that these options describe."""
    answers = Answers.from_json({} if options.answers is None else _read(options.answers))
    price = Price(
        input=options.price_input,
        cached_input=options.price_cached_input,
        output=options.price_output,
        cached_share=options.cached_share,
        prompt_cache=options.prompt_cache,
    )
    limits = Limits(
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
        concurrency=options.concurrency,
        window_seconds=options.window,
    )
    tools = [] if options.tools is None else _read(options.tools)
    if not isinstance(tools, list):
        raise UsageError("--tools takes a JSON list of tool calls")
    return SimulatedProvider(
        answers=Answers(table=answers.table, seed=options.seed),
        latency=Latency.parse(options.latency, seed=options.seed),
        faults=None if options.faults is None else FaultPlan.from_json(_read(options.faults)),
        limits=limits,
        tools=[ToolCall.from_json(item) for item in tools],
        meter=Meter(price=price, file=options.meter_file),
        port=options.port,
    )


async def _serve(provider: SimulatedProvider) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await provider.serve(lambda port: _announce(provider.base_url), stop)


def _announce(base_url: str) -> None:
    sys.stdout.write(f"listening on {base_url}\n")
    sys.stdout.flush()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
