"""Names and labels as comparable word lists: case, accents, punctuation and camelCase do not matter."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+|[#№°]")


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """Lower case without accents: `Fälligkeit` → `falligkeit`, `Straße` → `strasse`."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    folded = folded.replace("№", "#")
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a field name: `invoiceNo`, `invoice_no` and `Invoice No.` are all ("invoice", "no")."""
    return tuple(plain(word) for word in _WORD.findall(_CAMEL.sub(" ", name)))


def words_with_places(text: str) -> list[tuple[str, int, int]]:
    """The words of a line of text, each with its start and end in it."""
    return [(plain(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]
