"""Opening PNG, JPEG, TIFF and HEIC files with Pillow, within bounds."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import ExifTags, Image

from nightdrop.documents import kinds
from nightdrop.documents.heic import teach_pillow
from nightdrop.errors import DocumentTooComplex, FileCorrupt

_FORMATS = {kinds.PNG: ("PNG",), kinds.JPEG: ("JPEG",), kinds.TIFF: ("TIFF",), kinds.HEIC: ("HEIF",)}
# as fuzzing found; RuntimeError: HEIC
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, RuntimeError)
_MOST_FRAMES = 5_000
_DECODED_PIXELS = 50_000_000  # a PNG with more is not decoded just to see whether it is whole
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_16_BIT = frozenset({"I", "I;16", "I;16B", "I;16L"})


@contextmanager
def opened_image(content: bytes, mime_type: str) -> Iterator[Image.Image]:
    """The image, not decoded yet. FileCorrupt when it is damaged, also while it decodes; DocumentTooComplex: a bomb."""
    if mime_type == kinds.HEIC:
        teach_pillow()
    try:
        with warnings.catch_warnings():
            # Pillow refuses 179 million pixels and warns at half of that: the process has a memory limit for the rest
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=_FORMATS[mime_type]) as image:
                yield image
    except Image.DecompressionBombError as error:
        raise DocumentTooComplex(f"the image is too large to be decoded ({error})") from error
    except _BROKEN as error:
        raise FileCorrupt(f"the image is damaged ({type(error).__name__}: {error})") from error


def count_frames(image: Image.Image) -> int:
    """Pages of a TIFF; of other images only the first frame is the document (phones add depth maps)."""
    frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if frames > _MOST_FRAMES:
        raise DocumentTooComplex(f"the image has more than {_MOST_FRAMES} pages")
    return frames


def check_whole(image: Image.Image) -> None:
    """Decode a PNG or JPEG, which reaches a model as it is: one that breaks off is damaged. Others are drawn anyway."""
    if image.format == "JPEG":
        image.draft(image.mode, (1, 1))  # all of it is read, few pixels are kept
    elif image.format != "PNG" or image.width * image.height > _DECODED_PIXELS:
        return
    image.load()


def decoded_frame(image: Image.Image, index: int, max_side_px: int) -> Image.Image:
    """One page upright, on white, in RGB or grey, shrunk so that no side is longer than this; never enlarged."""
    if image.format == "TIFF":
        image.seek(index)
    else:
        image.draft(image.mode, (max_side_px, max_side_px))  # a JPEG is decoded smaller, many times faster
    turn = _turn(image)
    frame = _on_white(image)
    frame.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    frame.info.clear()  # a profile or comment of the original would not fit what is left of it
    return frame if turn is None else frame.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What EXIF asks for. Pillow turns a TIFF by itself; metadata that cannot be read turns nothing."""
    if image.format == "TIFF":
        return None
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN:
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in _16_BIT:
        return _eight_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        frame = Image.new("RGB", layer.size, "white")
        frame.paste(layer, mask=layer.getchannel("A"))
        return frame
    return image.convert("L" if image.mode in ("1", "L", "F") else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits by its upper half; "I" holds such values too, and 8-bit ones."""
    extrema = image.getextrema()
    highest = extrema[1] if isinstance(extrema[1], int | float) else 65535
    scale = 1.0 if highest <= 255 else 1 / 256
    return image.convert("I").point(lambda value: value * scale).convert("L")
