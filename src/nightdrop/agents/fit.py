"""Whether a document fits into one call: the model's context window and its provider's page limit, known beforehand."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from genai_prices import Usage, calc_price

from nightdrop.agents.models import provider_of, reads_pdf
from nightdrop.agents.request import Attachment
from nightdrop.documents.kinds import IMAGES, PDF
from nightdrop.documents.opened import opened_once
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import DocumentTooLong
from nightdrop.ledger.prices import list_provider

_PAGE_LIMITS = {"anthropic": 100, "openai": 100, "google": 1000}
"""Pages of one PDF that a provider reads natively (their documentation, November 2026)."""

_CHARACTERS_A_TOKEN = 3.5
_IMAGE_TOKENS = 1500  # a page as an image; providers that read PDFs see each page as text and as an image
_ROOM = 0.8  # of the context window for documents; the rest is for schema, instructions and the answer
_SURELY_FITS_PAGES = 20  # with a window of at least _SURELY_WINDOW tokens nothing needs measuring
_SURELY_WINDOW = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a document fits. pages_per_part: None when it fits whole."""

    pages: int
    pages_per_part: int | None
    reason: str = ""


async def fit(model: Any, document: Attachment, reader: ReaderPool) -> Fit:
    """Measure one document against the model. Raises DocumentTooLong where it cannot be cut to size."""
    window = context_window(provider_of(model), str(getattr(model, "model_name", model)))
    limit = _page_limit(model) if document.mime_type == PDF else None
    pages, tokens = await _size(model, document, window, reader)
    per_part = pages
    reasons = []
    if limit is not None and pages > limit:
        per_part = limit
        reasons.append(f"{pages} pages, {provider_of(model)} reads {limit}")
    if window is not None and tokens > window * _ROOM:
        reasons.append(f"about {tokens:,} tokens, the model's context window is {window:,}")
        per_part = min(per_part, max(1, int(pages * window * _ROOM / tokens)))
    if not reasons:
        return Fit(pages=pages, pages_per_part=None)
    if document.mime_type != PDF or pages <= 1:
        raise DocumentTooLong(f"{document.filename or 'the document'} is too long: {'; '.join(reasons)}")
    return Fit(pages=pages, pages_per_part=per_part, reason="; ".join(reasons))


async def _size(model: Any, document: Attachment, window: int | None, reader: ReaderPool) -> tuple[int, int]:
    """Pages and about how many tokens; 0 tokens for what surely fits. A PDF or image is opened here at the latest: a
    damaged one is refused before any call. Only a PDF counts as more than one page.
    """
    if document.mime_type in IMAGES:
        await opened_once(reader, document.read, document.mime_type, document.sha256)
        return 1, 0
    if document.mime_type != PDF:
        if window is None:
            return 1, 0
        if document.size < 50_000:
            return 1, int(document.size / _CHARACTERS_A_TOKEN)
    unmeasured = 0 if window is not None and window < _SURELY_WINDOW else _SURELY_FITS_PAGES
    found = await opened_once(
        reader,
        document.read,
        document.mime_type,
        document.sha256,
        surely_fits_pages=None if window is None else unmeasured,
    )
    pages = found.pages if document.mime_type == PDF else 1
    if window is None or found.characters is None:
        return pages, 0
    as_images = document.mime_type == PDF and (reads_pdf(model) or found.images)
    images = found.pages * _IMAGE_TOKENS if as_images else 0
    return pages, int(found.characters / _CHARACTERS_A_TOKEN) + images


def _page_limit(model: Any) -> int | None:
    provider = provider_of(model)
    return next((n for name, n in _PAGE_LIMITS.items() if provider.startswith(name)), None)


@functools.lru_cache(maxsize=256)
def context_window(provider: str, model: str) -> int | None:
    """Tokens that a model reads at once, None when the bundled list does not know it."""
    try:
        found = calc_price(
            Usage(input_tokens=1), model_ref=model.partition(":")[2] or model, provider_id=list_provider(provider)
        )
    except LookupError:
        return None
    return found.model.context_window
