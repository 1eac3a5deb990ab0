"""Typed values in a piece of a line, in the form their kind allows. Nothing that needs a guess becomes a value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Value
from nightdrop.reading.lines import GAP
from nightdrop.reading.numbers import Amount, amounts_in, currency_codes_in, currency_of
from nightdrop.reading.words import words_with_places

TWO_READINGS = 0.55  # quality of a date whose day and month could be exchanged
_FILLERS = frozenset(
    {
        "nr",
        "no",
        "num",
        "number",
        "nummer",
        "numero",
        "n",
        "°",
        "#",
        "id",
        "code",
        "am",
        "vom",
        "bis",
        "zum",
        "den",
        "der",
    }
    | {
        "le",
        "du",
        "de",
        "la",
        "the",
        "on",
        "of",
        "by",
        "is",
        "il",
        "el",
        "del",
        "op",
        "van",
        "al",
        "a",
        "in",
        "eur",
        "usd",
    }
    | {
        "gbp",
        "chf",
        "betrag",
        "amount",
        "total",
        "gesamt",
        "summe",
        "before",
        "dated",
        "spatestens",
        "est",
        "ist",
        "sie",
    }
    | {"inkl", "incl", "ttc", "brutto", "netto", "ht", "mwst", "ust", "vat", "tva", "btw", "iva", "exkl", "excl"}
)
_BASES = frozenset(("von", "of", "over", "sur", "auf", "op", "aus", "su"))  # what a rate is taken of
PARENTHESIS = re.compile(r"\([^()]*\)")
_ID = re.compile(r"[A-Za-z0-9][\w\-./\\_]*")
_VAT_ID = re.compile(r"(?<![A-Z])[A-Z]{2}[ ]?(?=[\dA-Z. ]{6,})(?:[\dA-Z.]{2,}[ ]?){1,5}")
_IBAN = re.compile(r"(?<![A-Z\d])[A-Z]{2}\d\d(?: ?[\dA-Z]{4}){2,7}(?: ?[\dA-Z]{1,3})?(?![A-Z\d])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A value in a part of a line: typed, with its place, and how well its form fits (0 to 1)."""

    value: Value
    start: int
    end: int
    quality: float = 1.0


def value_in(kind: str, text: str, start: int, stop: int) -> Span | None:
    """The one value of this kind that follows at `start`, with nothing but filler words before it."""
    reader = _READERS.get(kind)
    return None if reader is None else reader(text, start, stop)


def only_fillers(text: str) -> bool:
    """True for at most four words that say nothing of their own between a label and its value."""
    words = [word for word, _, _ in words_with_places(PARENTHESIS.sub(" ", text))]
    return len(words) <= 4 and all(word in _FILLERS for word in words)


def _date(text: str, start: int, stop: int) -> Span | None:
    for date in dates_in(text[start:stop]):
        if not only_fillers(text[start : start + date.start]):
            return None
        quality = TWO_READINGS if date.other is not None else 1.0
        return Span(value=date.value, start=start + date.start, end=start + date.end, quality=quality)
    return None


def _money(text: str, start: int, stop: int) -> Span | None:
    """One amount; of `7 % of 129.37  9.06` the last; several amounts without a rate are columns, not an answer."""
    part = text[start:stop]
    amounts = [a for a in amounts_in(part) if not a.is_rate]
    rated = len(amounts) < len(list(amounts_in(part)))
    money = [a for a in amounts if a.looks_like_money] or amounts
    if not money:
        return None
    chosen: Amount = money[0]
    quality = 1.0 if chosen.looks_like_money else 0.7
    is_base = any(word in _BASES for word, _, _ in words_with_places(part[: chosen.start]))
    if len(money) > 1:
        if not (rated or is_base) or len(money) > 2 or abs(money[1].value) > abs(money[0].value):
            return None
        chosen, quality = money[1], 0.9
    elif is_base:
        return None
    elif len(money) < len(amounts):
        quality = 0.85
    if not is_base and not only_fillers(re.sub(r"[\d.,%]+\s?%", " ", part[: money[0].start])):
        quality *= 0.75
    return Span(value=chosen.value, start=start + chosen.start, end=start + chosen.end, quality=quality)


def _number(text: str, start: int, stop: int) -> Span | None:
    amounts = list(amounts_in(text[start:stop]))
    if len(amounts) != 1 or not only_fillers(text[start : start + amounts[0].start]):
        return None
    return Span(value=amounts[0].value, start=start + amounts[0].start, end=start + amounts[0].end)


def _id(text: str, start: int, stop: int) -> Span | None:
    """The next word with a digit, not a date, after nothing but filler words and marks."""
    part = text[start:stop]
    for pattern in (_IBAN, _VAT_ID):
        match = pattern.search(part)
        if match and sum(c.isdigit() for c in match[0]) >= 6 and only_fillers(part[: match.start()]):
            value = match[0].strip()
            return Span(value=value, start=start + match.start(), end=start + match.start() + len(value))
    taken = [(d.start, d.end) for d in dates_in(part)]
    for match in _ID.finditer(PARENTHESIS.sub(lambda m: " " * len(m[0]), part)):
        value = match[0].rstrip(".,-/")
        if not any(c.isdigit() for c in value):
            if not only_fillers(value):
                return None
            continue
        if any(a <= match.start() < b for a, b in taken) or len(value) < 2:
            return None
        begin = start + match.start()
        return Span(value=value, start=begin, end=begin + len(value))
    return None


def _currency(text: str, start: int, stop: int) -> Span | None:
    for match in currency_codes_in(text[start:stop]):
        return Span(value=match[0], start=start + match.start(), end=start + match.end())
    for amount in amounts_in(text[start:stop]):
        code = currency_of(amount.sign)
        if code is not None:
            return Span(value=code, start=start + amount.start, end=start + amount.end)
    return None


def _text(text: str, start: int, stop: int) -> Span | None:
    """The rest of the label's cell, else the next cell, without the colon; nothing that is only marks."""
    part = text[start:stop]
    lead = len(part) - len(part.lstrip(" \t:.-–#|"))
    body = part[lead:].split(GAP, 1)[0].rstrip(" .:;|")
    if not any(c.isalnum() for c in body) or (lead == 0 and part[:1].isalnum()):
        return None
    has_mark = ":" in part[:lead] or GAP in part[:lead]
    return Span(value=body, start=start + lead, end=start + lead + len(body), quality=1.0 if has_mark else 0.6)


_READERS = {
    "date": _date,
    "money": _money,
    "number": _number,
    "id": _id,
    "currency": _currency,
    "text": _text,
    "name": _text,
}
