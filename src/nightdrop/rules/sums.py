"""Arithmetic: parts that add up, factors that multiply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from nightdrop.rules.paths import Place, as_number, groups_at, inside
from nightdrop.rules.rule import Failed, Rule, named


def adds_up(
    parts: str | Sequence[str],
    total: str,
    *,
    tolerance: Decimal | str = "0.01",
    each: str = "",
    ask_again: bool = False,
) -> Rule:
    """The parts' sum is the total, within the tolerance: `adds_up(["net", "tax"], "total")`.

    A part that is null counts as 0; without a total, or without any part, there is nothing to check. each: in every
    element of a list, with paths from there. Raises ValueError for a tolerance that is no number.
    """
    paths, most = [parts] if isinstance(parts, str) else list(parts), _tolerance(tolerance)

    def test(content: Any) -> Iterator[Failed]:
        for group in groups_at(content, each):
            sums, addends = inside(group, total), [place for path in paths for place in inside(group, path)]
            if not sums or not addends:
                continue
            found, wanted = _numbers(addends), _numbers(sums[:1])
            if found is None or wanted is None or abs(sum(found) - wanted[0]) > most:
                yield _wrong(" + ", addends, sums[0], None if found is None else sum(found, Decimal(0)))

    return Rule(name=named("adds_up", parts, total, **_options(most, each)), test=test, ask_again=ask_again)


def multiplies(
    factors: Sequence[str],
    product: str,
    *,
    tolerance: Decimal | str = "0.01",
    each: str = "",
    ask_again: bool = False,
) -> Rule:
    """The factors' product is the product: `multiplies(["quantity", "unit_price"], "amount", each="lines.*")`.

    Where one of them is null there is nothing to check. Raises ValueError for a tolerance that is no number.
    """
    paths, most = list(factors), _tolerance(tolerance)

    def test(content: Any) -> Iterator[Failed]:
        for group in groups_at(content, each):
            products, given = inside(group, product), [place for path in paths for place in inside(group, path)]
            if not products or len(given) < len(paths):
                continue
            found, wanted = _numbers(given), _numbers(products[:1])
            result = None if found is None else _product(found)
            if result is None or wanted is None or abs(result - wanted[0]) > most:
                yield _wrong(" x ", given, products[0], result)

    return Rule(name=named("multiplies", paths, product, **_options(most, each)), test=test, ask_again=ask_again)


def _tolerance(given: Decimal | str) -> Decimal:
    most = as_number(given)
    if most is None or most < 0:
        raise ValueError(f"tolerance={given!r}: give a number, such as '0.01'")
    return most


def _options(most: Decimal, each: str) -> dict[str, str | None]:
    return {"tolerance": format(most, "f"), "each": each or None}


def _numbers(places: Sequence[Place]) -> list[Decimal] | None:
    """None when one of them is no number."""
    found = [as_number(value) for _, value in places]
    return None if None in found else [number for number in found if number is not None]


def _product(numbers: Iterable[Decimal]) -> Decimal:
    product = Decimal(1)
    for number in numbers:
        product *= number
    return product


def _wrong(sign: str, given: Sequence[Place], result: Place, found: Decimal | None) -> Failed:
    shown = given if len(given) <= 4 else [*given[:3], ("...", "..."), given[-1]]
    words = sign.join(f"{path} {value}" for path, value in shown)
    is_not = f"is {found}, not" if found is not None else "is not"
    return Failed(f"{words} {is_not} {result[0]} {result[1]}", *(path for path, _ in (*given, result)))
