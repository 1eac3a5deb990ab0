"""What a call is estimated to take before it is made: text, pages known without reading again, images, the schema."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pydantic_ai.messages import BinaryContent, ModelMessage, ModelRequest, UserContent, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.test import TestModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from nightdrop.agents.estimate import USUAL_OUTPUT_TOKENS, Estimate, estimate
from nightdrop.agents.marks import Marks
from nightdrop.agents.request import Attachment
from nightdrop.agents.text_tokens import text_tokens
from nightdrop.documents.opened import Opened, remember


async def _unread() -> bytes:
    raise AssertionError("an estimate reads no document")


def document(sha256: str, size: int = 1_000) -> Attachment:
    return Attachment(sha256=sha256, size=size, read=_unread, mime_type="application/pdf", filename=None)


def pdf(data: bytes) -> BinaryContent:
    return BinaryContent(data=data, media_type="application/pdf")


def estimated(
    *shown: UserContent, model: str = "gpt-4.1", settings: ModelSettings | None = None, tools: list[Any] | None = None
) -> Estimate:
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(content=list(shown))])]
    parameters = ModelRequestParameters(function_tools=tools or [])
    return estimate(TestModel(model_name=model), messages, settings, parameters)


@pytest.mark.parametrize(
    ("text", "tokens"),  # tokens: as o200k_base counts them
    [("hello world, 12345.67 EUR", 9)],
)
def test_a_text_is_counted_without_a_tokenizer(text: str, tokens: int) -> None:
    assert tokens * 0.85 <= text_tokens(text) <= tokens * 1.6


def test_a_long_text_is_sampled_and_counts_the_same() -> None:
    line = "Position 17, 3 Stück à 1.234,50 EUR zzgl. Umsatzsteuer\n"
    assert text_tokens(line * 4_000) == pytest.approx(text_tokens(line * 100) * 40, rel=0.05)


def test_pages_of_a_marked_pdf_are_known_without_reading_it() -> None:
    remember("a" * 64, Opened(pages=3))
    remember("b" * 64, Opened(pages=30))
    with Marks() as marks:
        few, many = (estimated(pdf(marks.add(document(sha)))).input_tokens for sha in ("a" * 64, "b" * 64))
    assert many > 9 * few


def test_pages_of_a_pdf_sent_as_bytes_are_found_by_its_hash() -> None:
    remember(hashlib.sha256(b"%PDF sent whole").hexdigest(), Opened(pages=30))
    assert estimated(pdf(b"%PDF sent whole")).input_tokens > 9 * estimated(pdf(b"%PDF never opened")).input_tokens


def test_measured_text_takes_the_place_of_the_usual_page() -> None:
    remember("c" * 64, Opened(pages=1, characters=23_000))
    remember("d" * 64, Opened(pages=1, characters=0))
    with Marks() as marks:
        full, empty = (estimated(pdf(marks.add(document(sha)))).input_tokens for sha in ("c" * 64, "d" * 64))
    assert full - empty == 10_000


def test_a_page_costs_what_its_provider_takes_for_an_image() -> None:
    image = BinaryContent(data=b"x", media_type="image/png")
    taken = [
        estimated(image, model=m).input_tokens - estimated(model=m).input_tokens
        for m in ("claude-sonnet-4-5", "gpt-4o-2024-08-06", "gpt-4o-mini")
    ]
    assert taken == [1_600, 85 + 8 * 170, 2_833 + 8 * 5_667]


def test_tools_and_their_schemas_count() -> None:
    tool = ToolDefinition(name="look_up", description="Looks a supplier up. " * 40, parameters_json_schema={})
    assert estimated("hi", tools=[tool]).input_tokens > estimated("hi").input_tokens + 150


def test_the_most_that_comes_out_is_what_is_set_else_known_else_usual() -> None:
    assert estimated("hi", settings=ModelSettings(max_tokens=500)).output_tokens == 500
    assert estimated("hi", model="gpt-4.1-mini").output_tokens == 32_768
    assert estimated("hi", model="llama3").output_tokens == USUAL_OUTPUT_TOKENS
