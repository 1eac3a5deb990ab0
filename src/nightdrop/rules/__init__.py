"""Rules that an answer must keep: `Agent(validators=[...])`. Sums, order of dates, check digits, allowed values.

A path is dotted (`seller.vat_id`); `*` stands for every element of a list (`lines.*.amount`). Nulls pass, except with
`required`: whether a value must be there is the schema's business.
"""

from nightdrop.rules.check_digits import iban, luhn, vat_id
from nightdrop.rules.order import between, in_order
from nightdrop.rules.rule import Failed, Rule
from nightdrop.rules.sums import adds_up, multiplies
from nightdrop.rules.values import known, matches, one_of, required

__all__ = [
    "Failed",
    "Rule",
    "adds_up",
    "between",
    "iban",
    "in_order",
    "known",
    "luhn",
    "matches",
    "multiplies",
    "one_of",
    "required",
    "vat_id",
]
