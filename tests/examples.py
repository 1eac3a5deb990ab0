"""The examples of the repository as modules, and a packet for them."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from types import ModuleType
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from nightdrop.testing import ModelRequest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> ModuleType:
    """An example, made anew with the environment of now."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packet(number: str = "C-9") -> bytes:
    """A claim form, an estimate of two pages, a police report and a blank page."""
    out = io.BytesIO()
    drawn = Canvas(out)
    pages: list[list[str]] = [
        [f"Claim number: {number}", "Claimant: Ada Lovelace", "Date of loss: 2026-03-02"],
        [f"Repair estimate for claim {number}", "Net: 100.00 EUR", "VAT: 19.00 EUR"],
        ["Total: 119.00 EUR"],
        ["Police report PR-44 of 2026-03-03", "Accident on 2026-03-02"],
        [],
    ]
    for lines in pages:
        for at, words in enumerate(lines):
            drawn.drawString(80, 700 - 20 * at, words)
        drawn.showPage()
    drawn.save()
    return out.getvalue()


def right_answers() -> dict[str, Any]:
    """What a model that reads well says of `packet()`, by a name that only one schema has."""
    ranges = [("claim form", 1, 1), ("estimate", 2, 3), ("police report", 4, 4), ("other", 5, 5)]
    return {
        "documents": [{"label": k, "first": a, "last": b, "confidence": 0.9} for k, a, b in ranges],
        "claimant": {"claim_number": "C-9", "claimant": "Ada Lovelace", "date_of_loss": "2026-03-02"},
        "net": {"claim_number": "C-9", "net": "100.00", "tax": "19.00", "total": "119.00"},
        "report_number": {"report_number": "PR-44", "date_of_loss": "2026-03-02"},
    }


def answer_from(answers: dict[str, Any], request: ModelRequest) -> Any:
    """The answer to a request of `examples/packets.py`."""
    names = (request.schema or {}).get("properties", {})
    (name,) = answers.keys() & names.keys()
    return {name: answers[name]} if name == "documents" else answers[name]
