"""A found value as the JSON form of the type that the schema asks for; None when it does not fit."""

from __future__ import annotations

import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from nightdrop.reading.dates import parse_date
from nightdrop.reading.found import Value
from nightdrop.reading.numbers import parse_number
from nightdrop.reading.shape import Field, Kind
from nightdrop.reading.words import name_words

_YES = frozenset({"true", "yes", "ja", "oui", "si", "1", "x"})
_NO = frozenset({"false", "no", "nein", "non", "nee", "0"})


def convert(value: Value, field: Field) -> Any:
    """The JSON value: money and decimals as text, dates as ISO 8601, an enum's own spelling."""
    converted = _CONVERTERS[field.kind](value) if field.kind in _CONVERTERS else None
    return converted if converted is None or field.choices is None else _chosen(converted, field.choices)


def as_decimal(value: Value) -> Decimal | None:
    """The number a value is or reads as; text with a point is taken as XML and JSON write it."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        return None
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return parse_number(value)
    return number if number.is_finite() else None


def as_date(value: Value) -> datetime.date | None:
    """The day a value is or reads as without doubt."""
    return parse_date(value) if isinstance(value, str) else value if isinstance(value, datetime.date) else None


def as_text(value: Value) -> str | None:
    """The value as text, None when it is blank."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value.strip() or None


def _decimal(value: Value) -> str | None:
    number = as_decimal(value)
    return None if number is None else format(number, "f")


def _float(value: Value) -> float | None:
    number = as_decimal(value)
    return None if number is None else float(number)


def _integer(value: Value) -> int | None:
    number = as_decimal(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _date(value: Value) -> str | None:
    day = as_date(value)
    return None if day is None else day.isoformat()


def _datetime(value: Value) -> str | None:
    day = as_date(value)
    return None if day is None else f"{day.isoformat()}T00:00:00"


def _boolean(value: Value) -> bool | None:
    words = name_words(value) if isinstance(value, str) else ()
    if len(words) != 1:
        return None
    return True if words[0] in _YES else False if words[0] in _NO else None


def _chosen(value: Any, choices: tuple[Any, ...]) -> Any:
    if value in choices:
        return value
    wanted = name_words(str(value))
    return next((choice for choice in choices if isinstance(choice, str) and name_words(choice) == wanted), None)


_CONVERTERS = {
    Kind.TEXT: as_text,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
}
