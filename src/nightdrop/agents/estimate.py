"""How many tokens a call will take, before it is made: for limits and budgets. The real usage settles it afterwards.

Meant to err upwards. A document's pages are those that opening it found: nothing is read again here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import BinaryContent, ModelMessage, ModelRequest
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from nightdrop.agents.marks import document_of
from nightdrop.agents.text_tokens import text_tokens
from nightdrop.documents.kinds import PDF
from nightdrop.documents.opened import Opened, known

USUAL_OUTPUT_TOKENS = 16_384
"""The most that a model of unknown output limit is taken to answer, when no `max_tokens` is set."""

_MESSAGE_TOKENS = 10  # roles and separators around each message
_PAGE_TEXT_TOKENS = 1_500  # of a page whose text was not measured
_DENSE_CHARACTERS_A_TOKEN = 2.3  # the densest of 38 invoices: numbers and codes
_BYTES_A_PAGE = 50_000  # of a PDF that was not opened here

_IMAGE_TOKENS = (  # the most for one image, by model name; the providers' documentation, November 2026
    ("gpt-4o-mini", 2_833 + 8 * 5_667),  # 8 tiles: 2048 x 768 is the largest that it looks at
    ("gpt-4.1-mini", 2_489),  # 1,536 patches of 32 px, times 1.62
    ("gpt-4.1-nano", 3_779),
    ("o4-mini", 2_642),
    ("gpt-5", 2_646),  # mini and nano count patches times 1.62 and 2.46: more than tiles of the large one
    ("gpt", 85 + 8 * 170),
    ("claude", 1_600),  # width x height / 750, scaled down to 1.15 megapixels
    ("gemini", 6 * 258),  # tiles of 768 px of an image as we draw it; a PDF's page is one tile
)
_USUAL_IMAGE_TOKENS = 2_646
_GOOGLE_PAGE_TOKENS = 258

_MOST_OUTPUT = (  # by the beginning of a model's name; the providers' documentation, November 2026
    ("gpt-5", 128_000),
    ("gpt-4.1", 32_768),
    ("gpt-4o", 16_384),
    ("gpt-4-turbo", 4_096),
    ("gpt-4", 8_192),
    ("gpt-3.5", 4_096),
    ("o1", 100_000),
    ("o3", 100_000),
    ("o4", 100_000),
    ("gemini-2.0", 8_192),
    ("gemini", 65_536),
    ("claude-3-5", 8_192),
    ("claude-3-haiku", 4_096),
    ("claude", 128_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Tokens of one call: about how many go in, and the most that can come out."""

    input_tokens: int
    output_tokens: int


def estimate(
    model: Model,
    messages: Sequence[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
) -> Estimate:
    """What a call with these arguments takes. Does no I/O; about 0.1 ms per 1,000 characters of text."""
    name = model.model_name.rpartition("/")[2].lower()
    texts, documents = [*_definitions(parameters)], []
    for message in messages:
        for content in _contents(message):
            if isinstance(content, BinaryContent):
                documents.append(content)
            else:
                texts.append(content)
    found = sum(text_tokens(text) for text in texts) + _MESSAGE_TOKENS * (len(messages) + 1)
    found += sum(_document_tokens(document, name) for document in documents)
    return Estimate(input_tokens=found, output_tokens=_most_output(model, name, settings))


def said_output(model: Model, settings: ModelSettings | None) -> int | None:
    """The `max_tokens` that the user gave, None mostly."""
    said = {**(model.settings or {}), **(settings or {})}.get("max_tokens")
    return said if isinstance(said, int) else None


def _contents(message: ModelMessage) -> Iterator[str | BinaryContent]:
    if isinstance(message, ModelRequest) and message.instructions:
        yield message.instructions
    for part in message.parts:
        content: Any = getattr(part, "content", None)
        if content is None:
            content = getattr(part, "args", None)
        for piece in content if isinstance(content, list | tuple) else [content]:
            if isinstance(piece, str | BinaryContent):
                yield piece
            elif piece is not None:
                yield json.dumps(piece, default=str, ensure_ascii=False)


def _definitions(parameters: ModelRequestParameters) -> Iterator[str]:
    for tool in (*parameters.function_tools, *parameters.output_tools):
        yield tool.name + (tool.description or "") + json.dumps(tool.parameters_json_schema)
    if parameters.output_object is not None:
        yield json.dumps(parameters.output_object.json_schema) + (parameters.output_object.description or "")


def _document_tokens(content: BinaryContent, name: str) -> int:
    if content.media_type != PDF:
        return _image_tokens(name)
    document = document_of(content.data)
    if document is not None:
        sha256, size = document.sha256, document.size
    else:
        sha256, size = hashlib.sha256(content.data).hexdigest(), len(content.data)
    opened = known(sha256) or Opened(pages=max(1, size // _BYTES_A_PAGE))
    looked_at = _GOOGLE_PAGE_TOKENS if name.startswith("gemini") else _image_tokens(name)
    read = (
        opened.pages * _PAGE_TEXT_TOKENS
        if opened.characters is None
        else int(opened.characters / _DENSE_CHARACTERS_A_TOKEN)
    )
    return read + opened.pages * looked_at


def _image_tokens(name: str) -> int:
    return next((tokens for start, tokens in _IMAGE_TOKENS if name.startswith(start)), _USUAL_IMAGE_TOKENS)


def _most_output(model: Model, name: str, settings: ModelSettings | None) -> int:
    said = said_output(model, settings)
    if said is not None:
        return said
    return next((tokens for start, tokens in _MOST_OUTPUT if name.startswith(start)), USUAL_OUTPUT_TOKENS)
