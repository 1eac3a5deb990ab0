"""Check digits: what was misread by one character is seen without any document. IBAN, VAT ids, Luhn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nightdrop.rules.paths import values_at
from nightdrop.rules.rule import Failed, Rule, named

_SEPARATORS = re.compile(r"[\s.\-/]")
_IBAN = re.compile(r"[A-Z]{2}\d\d[A-Z\d]{11,30}")
_IBAN_LENGTHS = {  # of the registry (ISO 13616); a country that is not here is checked by its digits alone
    **{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21},
    **{"CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18},
    **{"FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23},
    **{"IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27},
    **{"MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29},
    **{"RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "XK": 20},
}


def iban(path: str, *, ask_again: bool = False) -> Rule:
    """An IBAN: length of its country and check digits. Spaces do not matter."""
    return _rule("iban", path, is_iban, "is no valid IBAN", ask_again)


def luhn(path: str, *, ask_again: bool = False) -> Rule:
    """Digits whose last one checks the others by Luhn's algorithm, as of payment cards. Spaces do not matter."""
    return _rule("luhn", path, is_luhn, "has a wrong check digit (Luhn)", ask_again)


def vat_id(path: str, *, ask_again: bool = False) -> Rule:
    """A VAT id of the EU, Great Britain, Norway or Switzerland: its country's form, and for most its check digits.

    Whether it is registered is not asked anywhere.
    """
    return _rule("vat_id", path, is_vat_id, "is no valid VAT id", ask_again)


def _rule(name: str, path: str, is_valid: Callable[[str], bool], wrong: str, ask_again: bool) -> Rule:
    def test(content: Any) -> Iterator[Failed]:
        for at, value in values_at(content, path):
            if not is_valid(_SEPARATORS.sub("", str(value)).upper()):
                yield Failed(f"{at} {value!r} {wrong}", at)

    return Rule(name=named(name, path), test=test, ask_again=ask_again)


def is_iban(text: str) -> bool:
    """Length and check digits (ISO 7064, mod 97) of an IBAN in capitals, without spaces."""
    if _IBAN.fullmatch(text) is None or len(text) != _IBAN_LENGTHS.get(text[:2], len(text)):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def is_luhn(text: str) -> bool:
    """At least two digits with a right last one."""
    if not text.isdecimal() or not text.isascii() or len(text) < 2:
        return False
    return _luhn_sum(text) % 10 == 0


def is_vat_id(text: str) -> bool:
    """Form of the country, and check digits where they are public and the same for every id."""
    pattern = _VAT_FORMS.get(text[:2])
    if pattern is None or re.fullmatch(pattern, text[2:]) is None:
        return False
    test = _VAT_TESTS.get(text[:2])
    return test is None or test(text[2:])


def _luhn_sum(digits: str) -> int:
    doubled = (sum(divmod(2 * int(c), 10)) if i % 2 else int(c) for i, c in enumerate(reversed(digits)))
    return sum(doubled)


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(c) * weight for c, weight in zip(digits, weights, strict=False))


def _mod_11_10(digits: str) -> bool:
    """ISO 7064, mod 11,10: Germany and Croatia."""
    product = 10
    for c in digits[:-1]:
        total = (int(c) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(digits[-1])


def _austria(rest: str) -> bool:
    digits = rest[1:]
    return (10 - (_luhn_like(digits[:7]) + 4) % 10) % 10 == int(digits[7])


def _luhn_like(digits: str) -> int:
    return sum(sum(divmod(2 * int(c), 10)) if i % 2 else int(c) for i, c in enumerate(digits))


def _france(rest: str) -> bool:
    """Two digits over the SIREN; keys with letters have another rule and are taken by their form."""
    return not rest[:2].isdecimal() or int(rest[:2]) == (12 + 3 * (int(rest[2:]) % 97)) % 97


def _netherlands(rest: str) -> bool:
    """The old rule (mod 11 over nine digits) or the newer one (mod 97 over all, as for an IBAN)."""
    remainder = _weighted(rest[:8], range(9, 1, -1)) % 11
    return remainder == int(rest[8]) or int("".join(str(int(c, 36)) for c in f"NL{rest}")) % 97 == 1


def _poland(rest: str) -> bool:
    return _weighted(rest[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(rest[9])


def _portugal(rest: str) -> bool:
    check = 11 - _weighted(rest[:8], range(9, 1, -1)) % 11
    return (0 if check > 9 else check) == int(rest[8])


def _finland(rest: str) -> bool:
    remainder = _weighted(rest[:7], (7, 9, 10, 5, 8, 4, 2)) % 11
    return remainder != 1 and (11 - remainder) % 11 == int(rest[7])


_VAT_FORMS = {
    **{"AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CH": r"E\d{9}(MWST|TVA|IVA)?", "CY": r"\d{8}[A-Z]"},
    **{"CZ": r"\d{8,10}", "DE": r"\d{9}", "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z\d]\d{7}[A-Z\d]"},
    **{"FI": r"\d{8}", "FR": r"[A-HJ-NP-Z\d]{2}\d{9}", "GB": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})", "HR": r"\d{11}"},
    **{"HU": r"\d{8}", "IE": r"\d[A-Z\d+*]\d{5}[A-W][A-I]?", "IT": r"\d{11}", "LT": r"(\d{9}|\d{12})", "LU": r"\d{8}"},
    **{"LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d\d", "NO": r"\d{9}(MVA)?", "PL": r"\d{10}", "PT": r"\d{9}"},
    **{"RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}", "XI": r"(\d{9}|\d{12})"},
}
_VAT_TESTS: dict[str, Callable[[str], bool]] = {
    "AT": _austria,
    "BE": lambda rest: 97 - int(rest[:8]) % 97 == int(rest[8:]),
    "DE": _mod_11_10,
    "DK": lambda rest: _weighted(rest, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0,
    "FI": _finland,
    "FR": _france,
    "HR": _mod_11_10,
    "IT": lambda rest: is_luhn(rest),
    "LU": lambda rest: int(rest[:6]) % 89 == int(rest[6:]),
    "NL": _netherlands,
    "PL": _poland,
    "PT": _portugal,
    "SE": lambda rest: is_luhn(rest[:10]),
}
