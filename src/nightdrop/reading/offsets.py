"""From a line of words back to the page's own text: where a quote begins and ends, in characters."""

from __future__ import annotations

import re
from bisect import bisect_right

from nightdrop.reading.lines import Line
from nightdrop.records import DocumentText

_WORD = re.compile(r"\S+")


class Offsets:
    """For documents without boxes: their words are the words of the page's text, in the same order."""

    def __init__(self, text: DocumentText) -> None:
        self._starts: dict[int, int] = {}  # by the identity of a word, which the document keeps alive
        self._text = text
        for page in text.pages:
            for word, found in zip(page.words, _WORD.finditer(page.text), strict=False):
                if word.text != found[0]:
                    break
                self._starts[id(word)] = found.start()

    def span(self, line: Line, start: int, end: int) -> tuple[int, int] | None:
        """Start and end, in the page's text, of these characters of a line; None where the two do not agree."""
        first, last = self._place(line, start), self._place(line, end - 1)
        return None if first is None or last is None else (first, last + 1)

    def _place(self, line: Line, at: int) -> int | None:
        index = bisect_right(line.starts, at) - 1
        begins = self._starts.get(id(line.words[index]))
        return None if begins is None else begins + at - line.starts[index]
