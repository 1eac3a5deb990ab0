"""Amounts and numbers as documents print them, in any locale's grouping and decimal signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_SYMBOLS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "zł": "PLN", "Kč": "CZK"}
_SHARED = {
    "$": frozenset(("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP")),
    "¥": frozenset(("JPY", "CNY")),
    "Rs": frozenset(("INR",)),
    "Rs.": frozenset(("INR",)),
}
_CODES = (
    "EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|ILS|AED|SAR|ZAR|BRL|MXN|ARS"
    "|CLP|COP|PEN|HKD|SGD|TWD|KRW|THB|MYR|IDR|PHP|VND|EGP|MAD|KES|NGN"
)
_MONEY_SIGN = rf"€|£|¥|₹|₽|₺|\$|zł|Kč|US\$|Rs\.?|Euros?|{_CODES}"
_DIGITS = r"\d{1,3}(?:[.,'’   ]\d{3})+(?:[.,]\d{1,4})?|\d+(?:[.,]\d+)?"
_AMOUNT = re.compile(
    rf"(?<![\w.,/:\-])(?P<open>\()?(?P<minus>[-−–]\s?)?(?:(?P<before>{_MONEY_SIGN})\s{{0,2}})?(?P<inner>[-−–]\s?)?"
    rf"(?P<digits>{_DIGITS})(?P<after_minus>-(?=\s|$))?"
    rf"(?P<rate>\s?%)?(?:\s{{0,2}}(?P<after>{_MONEY_SIGN})(?![\w$]))?(?P<close>\))?(?![\w/:]|[.,\-]\w)"
)
_CODE = re.compile(rf"(?<![A-Za-z])(?:{_CODES})(?![A-Za-z])")
_SPACES = re.compile(r"[\s   '’]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number in a line: value, start and end, currency sign as printed, is it a percentage, decimals printed."""

    value: Decimal
    start: int
    end: int
    sign: str | None
    is_rate: bool
    decimals: int

    @property
    def looks_like_money(self) -> bool:
        """True with two printed decimals or a currency sign."""
        return not self.is_rate and (self.sign is not None or self.decimals == 2)


def amounts_in(text: str) -> Iterator[Amount]:
    """Every number of the text that stands alone: not in dates, codes, phone numbers or words."""
    for match in _AMOUNT.finditer(text):
        value = _value(match["digits"])
        if value is None:
            continue
        bracketed = bool(match["open"] and match["close"])
        is_money = bool(match["before"] or match["after"]) or -value.as_tuple().exponent == 2  # type: ignore[operator]
        negative = match["minus"] or match["inner"] or match["after_minus"]
        start = match.start("digits") if match["open"] and not match["close"] else match.start()
        yield Amount(
            value=-value if negative else value,
            start=start,
            end=match.end(),
            sign=match["before"] or match["after"],
            is_rate=bool(match["rate"]),
            decimals=max(0, -int(value.as_tuple().exponent)) if not bracketed or is_money else 0,
        )


def parse_number(text: str) -> Decimal | None:
    """The number when the text is one number with at most a currency or percent sign; None otherwise."""
    text = text.strip()
    for amount in amounts_in(text):
        return amount.value if amount.start == 0 and amount.end == len(text) else None
    return None


def currency_of(sign: str | None) -> str | None:
    """The ISO 4217 code of a printed sign; None where it is shared by many currencies, such as `$`."""
    if sign is None:
        return None
    if sign in _SYMBOLS:
        return _SYMBOLS[sign]
    if sign.startswith("Euro"):
        return "EUR"
    if sign.startswith("Rs"):
        return None
    if sign == "US$":
        return "USD"
    return sign if _CODE.fullmatch(sign) else None


def currencies_of(sign: str | None) -> frozenset[str]:
    """Every ISO 4217 code that a printed sign may stand for."""
    shared = _SHARED.get(sign or "")
    if shared is not None:
        return shared
    code = currency_of(sign)
    return frozenset() if code is None else frozenset((code,))


def currency_codes_in(text: str) -> list[re.Match[str]]:
    """Printed ISO codes, standing alone."""
    return list(_CODE.finditer(text))


def _value(digits: str) -> Decimal | None:
    """`1.234,56`, `1,234.56`, `1 234,56`, `1'234.56`; one mark before three digits groups (1.000 is a thousand)."""
    digits = _SPACES.sub("", digits)
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        decimal = "," if comma > point else "."
    elif max(comma, point) < 0:
        return Decimal(digits)
    else:
        mark = "," if comma >= 0 else "."
        whole, _, tail = digits.rpartition(mark)
        groups = digits.count(mark) > 1 or (len(tail) == 3 and whole != "0" and len(whole) <= 3)
        decimal = "" if groups else mark
    whole, _, tail = digits.rpartition(decimal) if decimal else (digits, "", "")
    whole = whole.replace(",", "").replace(".", "")
    if "," in tail or "." in tail:
        return None
    return Decimal(f"{whole}.{tail}" if tail else whole)
