"""A PDF to draw on: points from the top left, one font family, the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

Align = Literal["left", "right", "center"]
Family = Literal["Helvetica", "Times", "Courier", "Vera"]

A4 = (595.28, 841.89)
LETTER = (612.0, 792.0)

_FACES: dict[Family, tuple[str, str]] = {
    "Helvetica": ("Helvetica", "Helvetica-Bold"),
    "Times": ("Times-Roman", "Times-Bold"),
    "Courier": ("Courier", "Courier-Bold"),
    "Vera": ("Vera", "VeraBd"),  # comes with reportlab; embedded, as in files meant for archives
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """How a text looks: size in points, weight, colour."""

    size: float = 9.0
    bold: bool = False
    ink: str = "#1c1c1c"


PLAIN = Face()


class Paper:
    """The document being drawn. `y` is always the baseline or upper edge, counted from the top of the page."""

    def __init__(
        self,
        *,
        title: str,
        author: str,
        size: tuple[float, float] = A4,
        family: Family = "Helvetica",
        password: str | None = None,
    ) -> None:
        self.width, self.height = size
        self._normal, self._bold = _FACES[family]
        if family == "Vera":
            _register_vera()
        self._bytes = io.BytesIO()
        encrypt = StandardEncryption(password, ownerPassword=f"{password}!", strength=128) if password else None
        self._canvas = Canvas(self._bytes, pagesize=size, pageCompression=1, invariant=1, encrypt=encrypt)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("nightdrop demo")

    def text(self, x: float, y: float, text: str, face: Face = PLAIN, align: Align = "left") -> None:
        """Write one line; for right and center, `x` is the right end or the middle."""
        self._canvas.setFont(self._font(face), face.size)
        self._canvas.setFillColor(HexColor(face.ink))
        draw = {
            "left": self._canvas.drawString,
            "right": self._canvas.drawRightString,
            "center": self._canvas.drawCentredString,
        }[align]
        draw(x, self.height - y, text)

    def stack(self, x: float, y: float, lines: Sequence[str], face: Face = PLAIN, align: Align = "left") -> float:
        """Write lines below each other; the baseline after the last."""
        for line in lines:
            self.text(x, y, line, face, align)
            y += face.size * 1.35
        return y

    def paragraph(self, x: float, y: float, width: float, text: str, face: Face = PLAIN) -> float:
        """Write a text broken into lines of at most this width; the baseline after the last."""
        return self.stack(x, y, self.broken(text, width, face), face)

    def broken(self, text: str, width: float, face: Face) -> list[str]:
        """The lines into which this text breaks."""
        return [str(line) for line in simpleSplit(text, self._font(face), face.size, width)]

    def text_width(self, text: str, face: Face) -> float:
        """The width of one line in points."""
        return float(pdfmetrics.stringWidth(text, self._font(face), face.size))

    def rule(self, x1: float, x2: float, y: float, *, weight: float = 0.5, ink: str = "#1c1c1c") -> None:
        """Draw a horizontal line."""
        self._canvas.setStrokeColor(HexColor(ink))
        self._canvas.setLineWidth(weight)
        self._canvas.line(x1, self.height - y, x2, self.height - y)

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str | None = None, edge: str | None = None
    ) -> None:
        """Draw a rectangle from its upper left corner."""
        if fill:
            self._canvas.setFillColor(HexColor(fill))
        if edge:
            self._canvas.setStrokeColor(HexColor(edge))
            self._canvas.setLineWidth(0.5)
        self._canvas.rect(x, self.height - y - height, width, height, stroke=int(bool(edge)), fill=int(bool(fill)))

    def disc(self, x: float, y: float, radius: float, fill: str) -> None:
        """Draw a filled circle around a point."""
        self._canvas.setFillColor(HexColor(fill))
        self._canvas.circle(x, self.height - y, radius, stroke=0, fill=1)

    def next_page(self) -> None:
        """Go on with an empty page."""
        self._canvas.showPage()

    def content(self) -> bytes:
        """Finish: the bytes of the PDF."""
        self._canvas.showPage()
        self._canvas.save()
        return self._bytes.getvalue()

    def _font(self, face: Face) -> str:
        return self._bold if face.bold else self._normal


def _register_vera() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in _FACES["Vera"]:
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
