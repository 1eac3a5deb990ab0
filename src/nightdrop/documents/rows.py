"""Words into visual rows: the reading order of forms, whatever order the file draws them in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from nightdrop.records import Word


def rows_of(words: Iterable[Word]) -> list[list[Word]]:
    """Rows from top to bottom, each from left to right. Words share a row when half of the lower one's height does."""
    rows: list[list[Word]] = []
    top = bottom = 0.0
    for word in sorted(words, key=_middle):
        middle = (word.top + word.bottom) / 2
        if rows and top <= middle <= bottom:
            rows[-1].append(word)
        else:
            rows.append([word])
            top, bottom = word.top, word.bottom
            # a tall word (a title beside small print) must not swallow the rows beside it
            height = bottom - top
            top, bottom = middle - 0.35 * height, middle + 0.35 * height
    for row in rows:
        row.sort(key=_left)
    return rows


def text_of(rows: Sequence[Sequence[Word]]) -> str:
    """Rows as lines of text; a gap wider than a character's height becomes two spaces, as between columns."""
    return "\n".join(_line(row) for row in rows)


def _line(row: Sequence[Word]) -> str:
    parts = [row[0].text]
    for before, word in pairwise(row):
        parts.append("  " if word.left - before.right > before.bottom - before.top else " ")
        parts.append(word.text)
    return "".join(parts)


def _middle(word: Word) -> float:
    return word.top + word.bottom


def _left(word: Word) -> float:
    return word.left
