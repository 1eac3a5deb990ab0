"""Which concept of the trade a schema field means, by its names; fields that mean none keep their own names."""

from __future__ import annotations

from functools import cache, lru_cache

from nightdrop.reading.shape import DATES, NUMBERS, Field, Kind
from nightdrop.reading.vocabulary import HEADER, LINE, LINES, Concept
from nightdrop.reading.words import name_words

Words = tuple[str, ...]
_DROPPED = frozenset(("the", "of", "a", "an", "on", "this", "for", "as", "written", "to", "be", "value", "field"))
_PARTIES = {"seller": "seller", "buyer": "buyer", "ship_to": "ship_to"}
_PARTY_CHILD = {"name": "{}", "company": "{}", "vat": "{} vat id", "tax": "{} vat id", "address": "{} address"}


def concept_of(field: Field, parent: str = "") -> Concept | None:
    """The header concept a field means. parent: the object it stands in, such as `seller` of `seller.name`."""
    return _field_concept(field, parent, of_line=False)


def line_concept_of(field: Field) -> Concept | None:
    """The concept of a line item that a sub-field means."""
    return _field_concept(field, "", of_line=True)


def is_lines(field: Field) -> bool:
    """True for a list of objects that means the line items."""
    if field.kind is not Kind.LIST or field.item is None or field.item.kind is not Kind.OBJECT:
        return False
    wanted = {name_words(phrase) for phrase in LINES}
    if any(name_words(name) in wanted for name in field.names):
        return True
    known = {c.key for child in field.item.children if (c := line_concept_of(child)) is not None}
    return "description" in known and bool(known & {"amount", "unit_price", "quantity"})


@lru_cache(maxsize=4096)
def _field_concept(field: Field, parent: str, of_line: bool) -> Concept | None:
    return _match(field, parent, _line_names() if of_line else _header_names())


def _match(field: Field, parent: str, known: dict[Words, tuple[Concept, ...]]) -> Concept | None:
    for words in _candidates(field, parent):
        for concept in known.get(words, ()):
            if _fits(concept, field.kind):
                return concept
    return None


def _candidates(field: Field, parent: str) -> list[Words]:
    parent = parent.rpartition(".")[2]
    own = [name_words(name) for name in field.names]
    found: list[Words] = []
    if parent:
        party = _party(parent)
        for words in own:
            if party is not None and words and (form := _PARTY_CHILD.get(words[0])):
                found.append(name_words(form.format(party)))
            found.append((*name_words(parent), *words))
        if party is not None:
            return found
    found += own
    found.append(_essence(field.description))
    return found


def _party(parent: str) -> str | None:
    for concept in _header_names().get(name_words(parent), ()):
        if concept.key in _PARTIES:
            return concept.key
    return None


def _essence(description: str) -> Words:
    """A short description without filler words; a long one says too much to be a name."""
    words = name_words(description.split(",")[0].split("(")[0])
    return tuple(w for w in words if w not in _DROPPED) if len(words) <= 6 else ()


def _fits(concept: Concept, kind: Kind) -> bool:
    if kind in NUMBERS:
        return concept.kind in ("money", "number") or (concept.kind == "id" and kind is Kind.INTEGER)
    if kind in DATES:
        return concept.kind == "date"
    if kind is Kind.TEXT:
        return True
    return kind is Kind.OBJECT and concept.kind == "name"


@cache
def _header_names() -> dict[Words, tuple[Concept, ...]]:
    return _index(HEADER)


@cache
def _line_names() -> dict[Words, tuple[Concept, ...]]:
    return _index(LINE)


def _index(concepts: tuple[Concept, ...]) -> dict[Words, tuple[Concept, ...]]:
    found: dict[Words, tuple[Concept, ...]] = {}
    for concept in concepts:
        for phrase in concept.names:
            words = name_words(phrase)
            found[words] = (*found.get(words, ()), concept)
            # `invoicenumber` is written as often as `invoice_number`
            joined = ("".join(words),)
            if len(words) > 1 and joined not in found:
                found[joined] = (concept,)
    return found
