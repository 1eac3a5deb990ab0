"""A page as lines of text that know where every character stands, cut into cells at wide gaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from nightdrop.documents.rows import rows_of
from nightdrop.reading.found import Box
from nightdrop.reading.words import words_with_places
from nightdrop.records import DocumentText, Page, Word

GAP = "\t"  # stands between cells in a line's text
_CELL_GAP = 0.75  # of the words' height; a space is about 0.25
_EM = 1.9  # letters are half as wide as high: some fonts state a wrong height


@dataclass(frozen=True)
class Line:
    """One visual row. text: words with a space between them, a tab between cells; starts: where each word begins."""

    page: int
    text: str
    words: tuple[Word, ...]
    starts: tuple[int, ...]

    @cached_property
    def tokens(self) -> list[tuple[str, int, int]]:
        """Comparable words with their places in the text."""
        return words_with_places(self.text)

    @cached_property
    def cells(self) -> list[tuple[int, int]]:
        """Start and end of each cell in the text."""
        found, start = [], 0
        for part in self.text.split(GAP):
            found.append((start, start + len(part)))
            start += len(part) + 1
        return found

    @property
    def top(self) -> float:
        """Upper edge in points."""
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """Lower edge in points."""
        return max(word.bottom for word in self.words)

    def cell_at(self, place: int) -> tuple[int, int]:
        """The cell that holds this character."""
        return next(cell for cell in self.cells if place <= cell[1])

    def box(self, start: int, end: int) -> Box:
        """The box around the characters from start to end; words that are touched in part are cut in proportion."""
        boxes = []
        for index in range(max(0, bisect_right(self.starts, start) - 1), len(self.words)):
            word, begin = self.words[index], self.starts[index]
            if begin >= end:
                break
            if begin + len(word.text) > start:
                boxes.append(_part(word, max(0, start - begin), min(len(word.text), end - begin)))
        if not boxes:
            return (0.0, 0.0, 0.0, 0.0)
        return (
            round(min(b[0] for b in boxes), 2),
            round(min(b[1] for b in boxes), 2),
            round(max(b[2] for b in boxes), 2),
            round(max(b[3] for b in boxes), 2),
        )


def lines_of(text: DocumentText) -> list[Line]:
    """The lines of all pages, from top to bottom."""
    return [line for page in text.pages for line in _page_lines(page)]


def _page_lines(page: Page) -> list[Line]:
    return [_line(page.number, row) for row in rows_of(page.words)]


def _line(page: int, row: Sequence[Word]) -> Line:
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for index, word in enumerate(row):
        if index:
            parts.append(GAP if _is_cell(row[index - 1], word) else " ")
            length += 1
        starts.append(length)
        parts.append(word.text)
        length += len(word.text)
    return Line(page=page, text="".join(parts), words=tuple(row), starts=tuple(starts))


def _is_cell(before: Word, word: Word) -> bool:
    """Whether the gap between two words is as wide as between cells."""
    gap, height = word.left - before.right, min(word.bottom - word.top, before.bottom - before.top)
    return gap > _CELL_GAP * height and gap > _CELL_GAP * _EM * _letter(before, word)


def _letter(before: Word, word: Word) -> float:
    return (before.right - before.left + word.right - word.left) / (len(before.text) + len(word.text))


def _part(word: Word, start: int, end: int) -> Box:
    if start == 0 and end == len(word.text):
        return (word.left, word.top, word.right, word.bottom)
    step = (word.right - word.left) / len(word.text)
    return (word.left + start * step, word.top, word.left + end * step, word.bottom)
