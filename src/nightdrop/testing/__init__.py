"""A simulated provider, OpenAI's and Anthropic's: test and measure agents without a key, a bill or a network.

Needs the extra `nightdrop[testing]`. Everything below is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightdrop.testing.answers import Answers
    from nightdrop.testing.faults import Fault, FaultPlan
    from nightdrop.testing.latency import Latency
    from nightdrop.testing.limits import Limits
    from nightdrop.testing.meter import Meter, MeterCall, MeterTotals, read_meter_file
    from nightdrop.testing.model_request import Attachment, ModelRequest
    from nightdrop.testing.price import Price
    from nightdrop.testing.provider import SimulatedProvider
    from nightdrop.testing.schema_values import generate
    from nightdrop.testing.timing import Timing
    from nightdrop.testing.tool_script import ToolCall

__all__ = [
    "Answers",
    "Attachment",
    "Fault",
    "FaultPlan",
    "Latency",
    "Limits",
    "Meter",
    "MeterCall",
    "MeterTotals",
    "ModelRequest",
    "Price",
    "SimulatedProvider",
    "Timing",
    "ToolCall",
    "generate",
    "read_meter_file",
]

_HOME = {
    "Answers": "answers",
    "Attachment": "model_request",
    "Fault": "faults",
    "FaultPlan": "faults",
    "Latency": "latency",
    "Limits": "limits",
    "Meter": "meter",
    "MeterCall": "meter",
    "MeterTotals": "meter",
    "ModelRequest": "model_request",
    "Price": "price",
    "SimulatedProvider": "provider",
    "Timing": "timing",
    "ToolCall": "tool_script",
    "generate": "schema_values",
    "read_meter_file": "meter",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
