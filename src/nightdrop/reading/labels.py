"""Where labels stand on the pages: the longest known phrase at each place wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from nightdrop.reading.lines import GAP, Line
from nightdrop.reading.vocabulary import HEADER, LINE, Concept
from nightdrop.reading.words import name_words, words_with_places

# May stand between a label's words: Total *de la* facture, Date *of* issue, Montant *EUR* HT, excl. *21* % BTW.
_SKIPPABLE = frozenset(("de", "la", "le", "du", "der", "des", "of", "the", "del", "della", "van", "d", "l"))
_CURRENCIES = frozenset(("eur", "usd", "gbp", "chf"))
_LONGEST_PHRASE = 8  # words
_WITH_OR_WITHOUT = frozenset(
    {
        "incl",
        "inkl",
        "including",
        "inclusive",
        "inclusief",
        "inc",
        "excl",
        "exkl",
        "excluding",
        "exclusive",
        "exclusief",
    }
    | {"ohne", "without", "before", "hors", "sans", "sin", "con", "mit", "with", "inklusive", "exklusive", "compris"}
)
_MIN_TABLE_COLUMNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label in a line: what it stands for, its place in the line's text, and how much it can be trusted (0 to 1)."""

    key: str
    line: int
    start: int
    end: int
    weight: float


class Phrasebook:
    """Phrases and what they stand for. Spaces do not count: `Beleg-Nr.` and a badly kerned `Be legnr` are one."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, float]] = {}

    def add(self, key: str, phrase: str, weight: float) -> None:
        """Lets a phrase stand for a key; the first key of equal phrases stays."""
        joined = "".join(word for word, _, _ in words_with_places(phrase))
        if joined:
            self._keys.setdefault(joined, (key, weight))

    def copy(self) -> Phrasebook:
        """A phrasebook to add to without changing this one."""
        other = Phrasebook()
        other._keys = dict(self._keys)
        return other

    def at(self, tokens: Sequence[tuple[str, int, int]], index: int) -> tuple[str, float, int] | None:
        """Key, weight and index after the longest phrase that starts at this token."""
        found = None
        full = short = ""
        for end in range(index, min(index + _LONGEST_PHRASE, len(tokens))):
            word = tokens[end][0]
            full += word
            is_filler = word in _SKIPPABLE or word in _CURRENCIES or (word.isdigit() and len(word) <= 2)
            short += "" if is_filler and short else word
            entry = self._keys.get(full) or (None if is_filler else self._keys.get(short))
            if entry is not None:
                found = (*entry, end + 1)
        return found


def find_labels(lines: Sequence[Line], book: Phrasebook, excluded: frozenset[int] = frozenset()) -> list[Label]:
    """All labels of the lines, in order, without overlaps. excluded: lines that are heads of tables."""
    found: list[Label] = []
    for number, line in enumerate(lines):
        if number not in excluded:
            found.extend(_in_line(number, line, book))
    return found


def _in_line(number: int, line: Line, book: Phrasebook) -> Iterable[Label]:
    tokens = line.tokens
    index = 0
    while index < len(tokens):
        hit = book.at(tokens, index)
        if hit is None:
            index += 1
            continue
        key, weight, after = hit
        start, end = tokens[index][1], tokens[after - 1][2]
        if GAP not in line.text[start:end] and not _is_remark(line, start, tokens[index - 1] if index else None):
            yield Label(key=key, line=number, start=start, end=end, weight=weight * _standing(line, start))
            index = after
        else:
            index += 1


def _is_remark(line: Line, start: int, before: tuple[str, int, int] | None) -> bool:
    """`Total (incl. VAT)`, `price excl. VAT`: words about another label, not a label."""
    cell = line.text[line.cell_at(start)[0] : start]
    if cell.count("(") > cell.count(")") and any(c.isalnum() for c in cell.split("(")[0]):
        return True
    return before is not None and before[0] in _WITH_OR_WITHOUT and GAP not in line.text[before[1] : start]


def _standing(line: Line, start: int) -> float:
    """1 at the start of a cell; less in the middle of one, where the words before may change the meaning."""
    before = line.text[line.cell_at(start)[0] : start].rstrip()
    if not before or before[-1] in ":|•·*(" or not any(c.isalnum() for c in before):
        return 1.0
    return 0.8


@cache
def header_book() -> Phrasebook:
    """Every header concept's labels: specific ones weigh 1, vague ones 0.7."""
    book = Phrasebook()
    for concept in HEADER:
        _teach(book, concept)
    for concept in HEADER:
        for phrase in concept.vague:
            book.add(concept.key, phrase, 0.7)
    return book


@cache
def line_book() -> Phrasebook:
    """The labels that head the columns of a table of items."""
    book = Phrasebook()
    for concept in LINE:
        _teach(book, concept)
    return book


def table_heads(lines: Sequence[Line]) -> frozenset[int]:
    """Lines that head a table of items: at least three of its columns, a description or quantity among them."""
    found = set()
    for number, line in enumerate(lines):
        keys = {label.key for label in _in_line(number, line, line_book()) if label.weight == 1.0}
        if len(keys) >= _MIN_TABLE_COLUMNS and keys & {"description", "quantity", "unit_price"}:
            found.add(number)
    return frozenset(found)


def _teach(book: Phrasebook, concept: Concept) -> None:
    for phrase in concept.labels:
        book.add(concept.key, phrase, 1.0)


def own_phrases(names: Iterable[str]) -> list[str]:
    """The phrases a schema field's own names make."""
    return [" ".join(words) for name in names if (words := name_words(name))]
