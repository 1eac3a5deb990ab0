"""How each country writes money, quantities and dates."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

# Not strftime: the locale of the process must not change the bytes.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """Separators, currency sign and date pattern (`{d}`, `{m}`, `{y}`, `{month}`) of one country."""

    group: str
    point: str
    pattern: str
    before: str = ""
    after: str = ""

    def number(self, value: Decimal) -> str:
        """`1.234,50`: two decimals, thousands grouped."""
        return f"{value:,.2f}".replace(",", "\0").replace(".", self.point).replace("\0", self.group)

    def money(self, value: Decimal) -> str:
        """The number with its currency sign."""
        sign = "-" if value < 0 else ""
        return f"{sign}{self.before}{self.number(abs(value))}{self.after}"

    def quantity(self, value: Decimal) -> str:
        """`12,5`: as many decimals as the value has."""
        return str(value).replace(".", self.point)

    def date(self, day: datetime.date) -> str:
        """The date as this country writes it in figures, or with a written month."""
        return self.pattern.format(d=day.day, m=day.month, y=day.year, month=MONTHS[day.month - 1])


US = Notation(group=",", point=".", before="$", pattern="{m:02}/{d:02}/{y}")
UK = Notation(group=",", point=".", before="£", pattern="{d} {month} {y}")
IRELAND = Notation(group=",", point=".", before="€", pattern="{d:02}/{m:02}/{y}")
GERMANY = Notation(group=".", point=",", after=" €", pattern="{d:02}.{m:02}.{y}")
FRANCE = Notation(group="\u00a0", point=",", after="\u00a0€", pattern="{d:02}/{m:02}/{y}")
NETHERLANDS = Notation(group=".", point=",", before="€ ", pattern="{d:02}-{m:02}-{y}")
ITALY = Notation(group=".", point=",", before="€ ", pattern="{d:02}/{m:02}/{y}")
