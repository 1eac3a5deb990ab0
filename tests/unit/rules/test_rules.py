"""Declarative rules: what they find wrong, with the fields it is about; what is not there passes."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from nightdrop import rules
from nightdrop.rules import Rule
from nightdrop.rules.check_digits import is_iban, is_luhn, is_vat_id

INVOICE: dict[str, Any] = {
    "number": "R-7",
    "date": "2026-03-01",
    "due": "2026-03-31",
    "currency": "EUR",
    "net": "100.00",
    "tax": 19.0,
    "total": "119.00",
    "seller": {"vat": "DE 136 695 976", "iban": "DE89 3704 0044 0532 0130 00"},
    "lines": [
        {"quantity": "2", "price": "30.00", "amount": "60.00"},
        {"quantity": 1, "price": None, "amount": "40.00"},
    ],
    "sure": {"value": "EUR", "confidence": "high"},
    "nothing": None,
}
KEPT = [
    rules.adds_up(["net", "tax"], "total"),
    rules.adds_up("lines.*.amount", "net"),
    rules.adds_up(["nothing"], "total"),
    rules.adds_up("lines.*.amount", "nothing"),
    rules.multiplies(["quantity", "price"], "amount", each="lines.*"),
    rules.in_order("date", "nothing", "due"),
    rules.between("total", 0, "119"),
    rules.between("date", datetime.date(2026, 1, 1), None),
    rules.one_of("currency", {"EUR", "USD"}),
    rules.one_of("sure", ["EUR"]),
    rules.matches("number", r"R-\d+"),
    rules.required("number", "seller.vat", "lines"),
    rules.known("number", {"R-7", "R-8"}),
    rules.known("number", str.isascii),
    rules.iban("seller.iban"),
    rules.vat_id("seller.vat"),
    rules.vat_id("nothing"),
    rules.one_of("not.there.*.at.all", []),
]


def failures(rule: Rule, **changed: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(failed.message, failed.fields) for failed in rule.test(INVOICE | changed)]


@pytest.mark.parametrize("rule", KEPT, ids=repr)
def test_a_rule_that_is_kept_says_nothing(rule: Rule) -> None:
    assert failures(rule) == []


def test_a_sum_names_every_part_and_the_total() -> None:
    rule = rules.adds_up(["net", "tax"], "total")
    assert failures(rule, total="120.00") == [
        ("net 100.00 + tax 19.0 is 119.00, not total 120.00", ("net", "tax", "total"))
    ]
    assert failures(rule, total="119.01") == []
    assert failures(rule, tax=None) == [("net 100.00 is 100.00, not total 119.00", ("net", "total"))]
    assert failures(rule, total="much")[0][1] == ("net", "tax", "total")
    assert failures(rules.adds_up(["net", "tax"], "total", tolerance="2"), total="120.00") == []


def test_a_row_that_does_not_multiply_is_named() -> None:
    rule = rules.multiplies(["quantity", "price"], "amount", each="lines.*")
    lines = [INVOICE["lines"][0], {"quantity": 3, "price": "2.00", "amount": "5.00"}]
    assert failures(rule, lines=lines) == [
        (
            "lines.1.quantity 3 x lines.1.price 2.00 is 6.00, not lines.1.amount 5.00",
            ("lines.1.quantity", "lines.1.price", "lines.1.amount"),
        )
    ]


def test_a_long_sum_is_not_written_out() -> None:
    lines = [{"amount": str(n)} for n in range(30)]
    (message, fields), *_ = failures(rules.adds_up("lines.*.amount", "net"), lines=lines)
    assert "lines.2.amount 2 + ... ... + lines.29.amount 29 is 435, not net 100.00" in message
    assert len(fields) == 31


@pytest.mark.parametrize(
    ("rule", "changed", "fields"),
    [
        (rules.in_order("date", "due"), {"due": "2026-02-01"}, ("date", "due")),
        (rules.in_order("date", "due"), {"due": "soon"}, ("date", "due")),
        (rules.in_order("date", "due", strictly=True), {"due": "2026-03-01"}, ("date", "due")),
        (rules.between("total", 0, "119"), {"total": "119.01"}, ("total",)),
        (rules.between("date", datetime.date(2026, 1, 1)), {"date": "2025-12-31"}, ("date",)),
        (rules.one_of("currency", ["EUR"]), {"currency": "EURO"}, ("currency",)),
        (rules.one_of("sure", ["USD"]), {}, ("sure.value",)),
        (rules.matches("number", r"R-\d+"), {"number": "R-7a"}, ("number",)),
        (rules.required("number"), {"number": "  "}, ("number",)),
        (rules.required("lines"), {"lines": []}, ("lines",)),
        (rules.known("number", {"R-8"}), {}, ("number",)),
        (rules.known("number", str.isdigit), {}, ("number",)),
        (rules.iban("iban"), {"iban": "DE89 3704 0044 0532 0130 01"}, ("iban",)),
        (rules.vat_id("vat"), {"vat": "DE136695967"}, ("vat",)),
        (rules.luhn("card"), {"card": "4111 1111 1111 1112"}, ("card",)),
    ],
    ids=str,
)
def test_a_rule_that_is_broken_names_its_fields(rule: Rule, changed: Any, fields: tuple[str, ...]) -> None:
    assert [named for _, named in failures(rule, **changed)] == [fields]


@pytest.mark.parametrize("wrong", ["x", -1, None])
def test_a_tolerance_is_a_number(wrong: Any) -> None:
    with pytest.raises(ValueError, match="give a number"):
        rules.adds_up("a", "b", tolerance=wrong)


def test_a_rules_name_is_what_it_says() -> None:
    """It is part of the agent's revision: what changes the rule changes the name."""
    assert repr(rules.adds_up(["net", "tax"], "total")) == "adds_up(['net', 'tax'], 'total', tolerance='0.01')"
    assert repr(rules.one_of("a", {"y", "x"})) == "one_of('a', ['x', 'y'])"
    assert repr(rules.known("a", ["x", "y"])) == repr(rules.known("a", {"y", "x"})) != repr(rules.known("a", ["x"]))
    assert "str.isdigit" in repr(rules.known("a", str.isdigit)).replace("builtins.", "")


@pytest.mark.parametrize(
    "right",
    [
        "ATU13585627",
        "BE0428759497",
        "DE136695976",
        "DK13585628",
        "FI20774740",
        "FR40303265045",
        "HR33392005961",
        "IT00743110157",
        "LU15027442",
        "NL004495445B01",
        "PL8567346215",
        "PT501964843",
        "SE556703748501",
    ],
)
def test_vat_ids_have_check_digits(right: str) -> None:
    """A wrong last digit of the checked part is seen in every country of the list."""
    assert is_vat_id(right)
    at = {"NL": 10, "SE": 11}.get(right[:2], len(right) - 1)
    wrong = [right[:at] + digit + right[at + 1 :] for digit in "0123456789" if digit != right[at]]
    assert [is_vat_id(other) for other in wrong] == [False] * 9


def test_forms_of_ids() -> None:
    assert is_vat_id("ESB12345678")
    assert not is_vat_id("DE12345678")
    assert not is_vat_id("US123456789")
    assert not is_vat_id("")
    assert is_iban("GB82WEST12345698765432")
    assert not is_iban("GB82WEST1234569876543")
    assert not is_iban("82WEST12345698765432")
    assert is_luhn("79927398713")
    assert not is_luhn("")
    assert not is_luhn("7992739871A")
