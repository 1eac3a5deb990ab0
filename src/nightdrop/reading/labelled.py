"""Answers a schema's fields from labels printed in the document. Never more than 0.85 sure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from nightdrop.errors import SchemaTooFree
from nightdrop.reading.candidates import candidates
from nightdrop.reading.concepts import concept_of, is_lines
from nightdrop.reading.currency import find_currency
from nightdrop.reading.date_order import Order, date_order, in_order
from nightdrop.reading.found import Found, Source
from nightdrop.reading.labels import Label, Phrasebook, find_labels, header_book, own_phrases, table_heads
from nightdrop.reading.lines import Line, lines_of
from nightdrop.reading.parties import find_party
from nightdrop.reading.shape import DATES, NUMBERS, Field, Kind
from nightdrop.reading.sums import CAP, SUMS, agreed, settle
from nightdrop.reading.tables import read_table
from nightdrop.reading.titles import read_titles
from nightdrop.reading.vocabulary import HEADER
from nightdrop.records import DocumentText

_LEAST = 0.5  # below this a value is rather missed than shown
_KINDS = {concept.key: concept.kind for concept in HEADER}
_PROSE = frozenset(
    {
        "summary",
        "abstract",
        "overview",
        "analysis",
        "explanation",
        "opinion",
        "sentiment",
        "conclusion",
        "recommendation",
    }
    | {"answer", "topic", "keywords", "translation", "insights", "reasoning"}
)


def refuse_prose(shape: tuple[Field, ...]) -> None:
    """SchemaTooFree when every field asks for prose, which no label introduces."""
    leaves = list(_leaves(shape))
    if all(_is_prose(field) for field in leaves):
        names = ", ".join(field.key for field in leaves[:5])
        raise SchemaTooFree(
            f'the local reader finds labelled values, not prose ({names}): configure a model, as in model="openai:..."'
        )


def _leaves(shape: Sequence[Field]) -> list[Field]:
    found: list[Field] = []
    for field in shape:
        if field.kind is Kind.LIST and field.item is not None and field.item.kind is Kind.OBJECT:
            found += _leaves(field.item.children)
        else:
            found += _leaves(field.children) if field.kind is Kind.OBJECT else [field]
    return found


def _is_prose(field: Field) -> bool:
    if field.kind is Kind.LIST or field.kind is Kind.BOOLEAN:
        return True
    return field.kind is Kind.TEXT and any(set(p.split()) & _PROSE for p in own_phrases(field.names))


class LabelledSource:
    """The labelled form in a document's text layer; all work is done at the first question."""

    def __init__(self, text: DocumentText, shape: tuple[Field, ...]) -> None:
        self._text = text
        self._shape = shape

    @classmethod
    def of(cls, text: DocumentText, shape: tuple[Field, ...]) -> LabelledSource:
        """The source for one document and the whole schema, whose own names become labels too."""
        return cls(text, shape)

    def value(self, field: Field, parent: str) -> Found | None:
        """The value of a field by its concept's labels, else by its own names."""
        concept = concept_of(field, parent)
        if concept is None:
            return self._shown(self._by_own_name(field, parent))
        if concept.key == "currency":
            return self._shown(find_currency(self._lines, self._options("currency")))
        if concept.kind == "name":
            return self._shown(find_party(concept.key, self._lines, self._labels))
        if concept.key in SUMS:
            return self._shown(self._sums.get(concept.key))
        return self._shown(agreed(self._options(concept.key)))

    def rows(self, field: Field) -> list[Source]:
        """The rows of the table that has columns for the list's sub-fields."""
        if field.item is None:
            return []
        return read_table(field.item.children, self._lines, has_boxes=self._text.has_boxes, is_invoice=is_lines(field))

    def _shown(self, found: Found | None) -> Found | None:
        if found is None or found.confidence < _LEAST:
            return None
        found = found.sure(min(CAP, found.confidence))
        return found if self._text.has_boxes else _without_box(found)

    @cached_property
    def _lines(self) -> list[Line]:
        return lines_of(self._text)

    @cached_property
    def _book(self) -> Phrasebook:
        return _book(self._shape)

    @cached_property
    def _labels(self) -> list[Label]:
        return find_labels(self._lines, self._book, table_heads(self._lines))

    def _options(self, key: str, kind: str | None = None) -> list[Found]:
        kind = kind or _KINDS[key]
        beside = [
            found
            for label in self._labels
            if label.key == key
            for found in candidates(kind, label, self._lines, self._labels)
        ]
        if kind == "date":
            beside = [in_order(found, self._order) for found in beside]
        return beside + self._titles.get(key, [])

    @cached_property
    def _order(self) -> Order | None:
        return date_order(self._lines)

    @cached_property
    def _titles(self) -> dict[str, list[Found]]:
        return read_titles(self._lines)

    @cached_property
    def _sums(self) -> dict[str, Found | None]:
        return settle({key: self._options(key) for key in SUMS})

    def _by_own_name(self, field: Field, parent: str) -> Found | None:
        kind = "money" if field.kind is Kind.DECIMAL else "number" if field.kind in NUMBERS else "text"
        kind = "date" if field.kind in DATES else kind
        return agreed([found.sure(found.confidence * 0.9) for found in self._options(f"own:{field.key}", kind)])


@lru_cache(maxsize=64)
def _book(shape: tuple[Field, ...]) -> Phrasebook:
    """The trade's labels and the schema's own names."""
    book = header_book().copy()
    for field in _leaves(shape):
        for phrase in own_phrases(field.names):
            book.add(f"own:{field.key}", phrase, 0.9)
    return book


def _without_box(found: Found) -> Found:
    return Found(value=found.value, confidence=found.confidence, evidence=found.evidence, page=found.page)
