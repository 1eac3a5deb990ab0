"""What a model is shown: the message and the documents, natively where it reads them, else as text and page images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from pydantic_ai.messages import BinaryContent, UserContent
from pydantic_ai.models import Model

from nightdrop.agents.marks import Marks
from nightdrop.agents.models import reads_pdf, takes_marks
from nightdrop.agents.request import Attachment
from nightdrop.documents.kinds import IMAGES, PDF, TEXT
from nightdrop.documents.plain_text import decoded, page_text
from nightdrop.documents.pool import ReaderPool
from nightdrop.settings import load_settings

_TEXT = "nightdrop.documents.pages:read_page_texts"
_RENDER = "nightdrop.documents.render:render_pages"
_SHOWN_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")


async def contents(
    message: str, documents: Sequence[Attachment], model: str | Model, reader: ReaderPool, marks: Marks
) -> list[UserContent]:
    """The user's part of the request; marks stand for documents that the HTTP client puts in.

    Raises InputError for one that cannot be shown.
    """
    parts: list[UserContent] = [message] if message else []
    for document in documents:
        parts += await _document(document, model, reader, marks)
    return parts


async def _document(document: Attachment, model: str | Model, reader: ReaderPool, marks: Marks) -> list[UserContent]:
    kind = document.mime_type
    if kind == PDF:
        if reads_pdf(model):
            return [
                BinaryContent(
                    data=await _bytes(document, model, marks), media_type=kind, identifier=_identifier(document)
                )
            ]
        return await _text_and_images(document, reader)
    if kind in _SHOWN_IMAGES:
        return [
            BinaryContent(data=await _bytes(document, model, marks), media_type=kind, identifier=_identifier(document))
        ]
    if kind in IMAGES:
        return await _images(document, reader)
    return [await _text(document, reader)]


async def _bytes(document: Attachment, model: str | Model, marks: Marks) -> bytes:
    return marks.add(document) if takes_marks(model) else await document.read()


async def _text_and_images(document: Attachment, reader: ReaderPool) -> list[UserContent]:
    found = await reader.call(_TEXT, await document.read(), {"mime_type": document.mime_type})
    pages: list[dict[str, Any]] = found["pages"]
    parts: list[UserContent] = [_as_text(document, pages)]
    choice = load_settings().page_images
    wanted = {p["number"] for p in pages if choice == "always" or (choice == "scans" and not p["text"].strip())}
    return parts + ([] if not wanted else await _images(document, reader, wanted))


async def _text(document: Attachment, reader: ReaderPool) -> str:
    if document.mime_type == TEXT:  # nothing to parse, so nothing that needs a process of its own
        return _as_text(document, [{"text": page_text(decoded(await document.read()))}])
    found = await reader.call(_TEXT, await document.read(), {"mime_type": document.mime_type})
    return _as_text(document, found["pages"])


async def _images(document: Attachment, reader: ReaderPool, wanted: set[int] | None = None) -> list[UserContent]:
    rendered = await reader.call(_RENDER, await document.read(), {"mime_type": document.mime_type})
    return [
        BinaryContent(data=base64.b64decode(page["base64"]), media_type=page["mime_type"])
        for page in rendered["pages"]
        if wanted is None or page["number"] in wanted
    ]


def _as_text(document: Attachment, pages: Sequence[dict[str, Any]]) -> str:
    name = document.filename or "document"
    if len(pages) == 1:
        return f"Document {name}:\n\n{pages[0]['text']}"
    return f"Document {name}:\n\n" + "\n\n".join(f"[Page {p['number']}]\n{p['text']}" for p in pages)


def _identifier(document: Attachment) -> str:
    return document.filename or "document"
