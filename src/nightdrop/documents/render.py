"""Pages as pictures, for models that look at documents instead of reading their text."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image

from nightdrop.documents import kinds
from nightdrop.errors import DocumentTooComplex, UsageError

_FORMATS = {"jpeg": kinds.JPEG, "png": kinds.PNG}
_SIDES = range(16, 10_001)
_JPEG_QUALITY = 85
_SHARPEST = 300 / 72  # pixels per point: a small page is not blown up further
_MOST_BYTES = 128 * 1024 * 1024
_CAN_DRAW = kinds.IMAGES | {kinds.PDF}


def render_pages(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type", "first", "last", "max_side_px", "format"} → {"pages": [a picture each]}.

    A picture: {"number", "mime_type", "base64"}. Of a PDF or an image. first, last: 1-based, inclusive (all);
    what lies beyond the end is left out. max_side_px: longest side (1600), images are never enlarged. format: jpeg
    (default) or png. DocumentTooComplex for bombs, and beyond 128 MB of pictures.
    """
    mime_type, format = params["mime_type"], params.get("format", "jpeg")
    first, last, side = params.get("first", 1), params.get("last"), params.get("max_side_px", 1600)
    if mime_type not in _CAN_DRAW:
        raise UsageError(f"pages of {mime_type} cannot be drawn: only those of PDFs and images")
    if format not in _FORMATS or side not in _SIDES or first < 1 or (last is not None and last < first):
        raise UsageError(f"render_pages cannot do {params}")
    pages, size = [], 0
    for number, picture in (_pdf if mime_type == kinds.PDF else _image)(content, mime_type, first, last, side):
        data = _encoded(picture, format)
        size += len(data)
        if size > _MOST_BYTES:
            raise DocumentTooComplex(f"pictures of these pages take more than {_MOST_BYTES >> 20} MB: ask for fewer")
        pages.append({"number": number, "mime_type": _FORMATS[format], "base64": base64.b64encode(data).decode()})
    return {"pages": pages}


_Pictures = Iterator[tuple[int, Image.Image]]


def _pdf(content: bytes, _mime_type: str, first: int, last: int | None, side: int) -> _Pictures:
    from nightdrop.documents.pdf import opened, opened_page  # loads PDFium: not needed for images

    with opened(content) as document:
        for index in range(first - 1, min(last or len(document), len(document))):
            with opened_page(document, index) as page:
                scale = min(side / max(*page.get_size(), 1.0), _SHARPEST)
                bitmap = page.render(scale=scale, rev_byteorder=True)
                yield index + 1, bitmap.to_pil()
                bitmap.close()


def _image(content: bytes, mime_type: str, first: int, last: int | None, side: int) -> _Pictures:
    from nightdrop.documents.images import count_frames, decoded_frame, opened_image

    with opened_image(content, mime_type) as image:
        count = count_frames(image)
        for index in range(first - 1, min(last or count, count)):
            yield index + 1, decoded_frame(image, index, side)


def _encoded(picture: Image.Image, format: str) -> bytes:
    out = BytesIO()
    if format == "jpeg":
        picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        picture.save(out, "PNG", compress_level=3)
    return out.getvalue()
