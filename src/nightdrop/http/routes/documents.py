"""`/documents`: the bytes of what was handed in, and its pages as pictures."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Response

from nightdrop.documents.kinds import IMAGES, PDF
from nightdrop.engine import reader_pool
from nightdrop.errors import DocumentNotFound, FileTypeUnsupported
from nightdrop.http.problems import answers
from nightdrop.http.service import Service, Serving
from nightdrop.records.document import Document
from nightdrop.store.documents import find_document

router = APIRouter(prefix="/documents", tags=["documents"])

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The document's hash.")]
_RENDER = "nightdrop.documents.render:render_pages"
_SIDE = 1600
# What a browser may show as a page of this site is sent as plain bytes: a document must not run scripts here.
_SHOWN = IMAGES | {PDF, "text/plain"}


@router.get(
    "/{sha256}",
    operation_id="get_document",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **answers(404),
    },
)
def get_document(sha256: Sha256, service: Serving) -> Response:
    """A document's bytes."""
    document = _document(service, sha256)
    kind = document.mime_type if document.mime_type in _SHOWN else "application/octet-stream"
    safe = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "ETag": f'"{sha256}"'}
    return Response(service.db.blobs.read(document.location), media_type=kind, headers=safe)


@router.get(
    "/{sha256}/pages/{number}.png",
    operation_id="get_page",
    response_class=Response,
    responses={
        200: {"description": "The page.", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        **answers(404, 413, 415),
    },
)
def get_page(
    sha256: Sha256, number: Annotated[int, Path(ge=1, le=100_000, description="From 1.")], service: Serving
) -> Response:
    """A page of a PDF, or of an image, as a PNG of at most 1600 pixels on its longer side."""
    document = _document(service, sha256)
    if document.mime_type not in IMAGES | {PDF}:
        raise FileTypeUnsupported(f"the document is {document.mime_type}: only PDFs and images have pages to show")
    asked = {"mime_type": document.mime_type, "first": number, "last": number, "max_side_px": _SIDE, "format": "png"}
    pages = reader_pool().submit(_RENDER, service.db.blobs.read(document.location), asked).result()["pages"]
    if not pages:
        raise DocumentNotFound(f"document {sha256} has no page {number}")
    return Response(base64.b64decode(pages[0]["base64"]), media_type="image/png", headers={"ETag": f'"{sha256}"'})


def _document(service: Service, sha256: str) -> Document:
    document = service.read(lambda c: find_document(c, sha256))
    if document is None:
        raise DocumentNotFound(f"there is no document {sha256}")
    return document
