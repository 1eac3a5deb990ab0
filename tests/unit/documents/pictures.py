"""Images for tests, made by Pillow: the upper half red, the lower half blue, so that turns are seen."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (255, 0, 0), (0, 0, 255)

HEIC_FILE = base64.b64decode(  # two_colours() saved by pillow-heif 1.8: what reads HEIC in tests cannot write it
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAD8AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j"
    "bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAADwAAAABAAAAKAAAAAH////8AAAAAv///+gAAAACAAAAEHBp"
    "eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAEdtZGF0AAAAOygBrwngIzUt/+7Z//79byHsJ6R2dymf9zuo9Acc"
    "D9rdyDkwDFZ1mVnR136bu8Bvt9aE/QRe6P9BGfhw"
)


def two_colours(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, height // 2, width, height))
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    """The file."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def tiff(*pages: Image.Image) -> bytes:
    """A TIFF of several pages."""
    return saved(pages[0], "TIFF", save_all=True, append_images=list(pages[1:]), compression="tiff_lzw")


def turned(format: str, orientation: int) -> bytes:
    """An image whose EXIF says how it is to be turned to be seen upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(two_colours(), format, exif=exif)


def vast_png(width: int, height: int) -> bytes:
    """A PNG that claims this size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def opened(picture: dict[str, Any]) -> Image.Image:
    """A picture that render_pages answered."""
    return Image.open(io.BytesIO(base64.b64decode(picture["base64"])))


def is_near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    """JPEG changes colours a little."""
    return all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))
