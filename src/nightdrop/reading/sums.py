"""Which of several candidates to believe: agreement for any field, net + tax = total for amounts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from nightdrop.reading.found import Found

CAP = 0.85
SUMS = ("net", "tax", "total", "due", "paid")
_FEW = 6
_CENT = Decimal("0.01")
_TAX_FREE, _ONE_OF_SEVERAL = 0.7, 0.75
_TRIPLE = ("net", "tax", "total")


def agreed(options: Sequence[Found]) -> Found | None:
    """The best candidate; another value that is nearly as good takes the certainty away."""
    if not options:
        return None
    best = max(options, key=lambda found: found.confidence)
    rival = max((found.confidence for found in options if found.value != best.value), default=0.0)
    if rival >= 0.9 * best.confidence:
        return best.sure(min(best.confidence, 0.45))
    return best.sure(best.confidence * (0.8 if rival < 0.7 * best.confidence else 0.65))


def settle(options: dict[str, list[Found]]) -> dict[str, Found | None]:
    """One amount per key: those of a triple that adds up are sure; three that never add up are doubtful."""
    settled = {key: agreed(found) for key, found in options.items()}
    triple = _triple(options)
    if triple is None:
        complete = all(options.get(key) for key in _TRIPLE)
        for key in _TRIPLE:
            found = settled.get(key)
            if found is not None:  # a total that nothing confirms is never sure
                settled[key] = found.sure(found.confidence * (0.55 if complete else 0.9))
    else:
        confidence = _TAX_FREE if triple[1].value == 0 else CAP if _is_only(triple, options) else _ONE_OF_SEVERAL
        settled.update({key: found.sure(confidence) for key, found in zip(_TRIPLE, triple, strict=True)})
    settled["due"] = _due(settled, sure=triple is not None)
    return {key: _negative(found) for key, found in settled.items()}


def _due(settled: dict[str, Found | None], *, sure: bool) -> Found | None:
    """What is due is sure when it is the confirmed total, or the total less what was paid."""
    due, total, paid = (settled.get(key) for key in ("due", "total", "paid"))
    if due is None or total is None or not sure:
        return due
    less = abs(_number(paid)) if paid is not None else Decimal(0)
    return due.sure(CAP) if abs(_number(total) - less - _number(due)) <= _CENT else due


def _negative(found: Found | None) -> Found | None:
    """Credit notes print amounts with either sign: whose debt it is takes more than a label to know."""
    return found.sure(min(found.confidence, 0.75)) if found is not None and _number(found) < 0 else found


def _triple(options: dict[str, list[Found]]) -> tuple[Found, Found, Found] | None:
    nets, taxes, totals = (_distinct(options.get(key, ())) for key in _TRIPLE)
    triples = [triple for triple in product(nets, taxes, totals) if _adds_up(triple)]
    # a triple without tax holds wherever a number is printed twice; of several rates the largest is the closest
    return max(
        triples, key=lambda t: (t[1].value != 0, abs(_number(t[2])), sum(found.confidence for found in t)), default=None
    )


def _adds_up(triple: tuple[Found, Found, Found]) -> bool:
    net, tax, total = (_number(found) for found in triple)
    return total != 0 and abs(net + tax - total) <= _CENT


def _is_only(triple: tuple[Found, Found, Found], options: dict[str, list[Found]]) -> bool:
    """No better labelled or larger total beside this one: else it may be the sum of one tax rate, not the invoice's."""
    total = triple[2]
    others = [found for found in options["total"] if found.value != total.value]
    return all(o.confidence <= total.confidence and abs(_number(o)) < abs(_number(total)) for o in others)


def _distinct(found: Sequence[Found]) -> list[Found]:
    by_value: dict[object, Found] = {}
    for one in sorted(found, key=lambda f: -f.confidence):
        by_value.setdefault(one.value, one)
    return list(by_value.values())[:_FEW]


def _number(found: Found) -> Decimal:
    return found.value if isinstance(found.value, Decimal) else Decimal(0)
