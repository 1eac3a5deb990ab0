"""A firm of surveyors in York: a serif letter, hours and rates, written months."""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, meta_list, table_head, table_rows, totals
from nightdrop.demo.samples.notation import UK
from nightdrop.demo.samples.paper import Face, Paper

_SELLER = Party(
    name="Thornbury Kerr Surveyors Ltd",
    lines=(
        "Aldwark House, 14 Castlegate",
        "York YO1 9XX",
        "Telephone 01632 960182",
        "accounts@thornburykerr.example",
    ),
)

BILL = Bill(
    number="TKS/2026/0187",
    date=datetime.date(2026, 2, 9),
    due_date=datetime.date(2026, 3, 11),
    currency="GBP",
    seller=_SELLER,
    buyer=Party(
        name="Marrick Abbey Estates plc",
        lines=("FAO Mrs Helen Ashworth", "The Estate Office", "Marrick Lane", "Richmond", "North Yorkshire DL11 7XX"),
    ),
    items=items(
        "20",
        (
            ("", "Measured building survey of the Tithe Barn, floor plans and two sections", "18.5", "hours", "92.00"),
            ("", "Point cloud registration and drawing office", "11", "hours", "68.00"),
            ("", "Drone inspection of roof coverings, including CAA paperwork", "1", "day", "640.00"),
            ("", "Travel, 146 miles at 45p", "146", "miles", "0.45"),
        ),
    ),
)

CONFIDENTIAL = Bill(
    number="TKS/2026/0203",
    date=datetime.date(2026, 3, 2),
    due_date=datetime.date(2026, 4, 1),
    currency="GBP",
    seller=_SELLER,
    buyer=Party(name="Pemberton & Vale LLP", lines=("FAO Mr Rajan Mistry", "8 Minster Yard", "Lincoln", "LN2 1XX")),
    items=items(
        "20",
        (
            ("", "Boundary dispute: site visit and witness statement", "6.5", "hours", "115.00"),
            ("", "Attendance at mediation", "1", "day", "890.00"),
        ),
    ),
)

_INK = "#5b2333"
_TABLE = Table(
    x=62,
    columns=(
        Column(title="Description of services", width=261),
        Column(title="Quantity", width=72, align="right"),
        Column(title="Rate", width=62, align="right"),
        Column(title="Net amount", width=76, align="right"),
    ),
    head=Face(size=9.5, bold=True, ink=_INK),
    body=Face(size=10),
    row_gap=9,
    pad=2,
)


def draw(bill: Bill, password: str | None = None) -> bytes:
    """The invoice as PDF, protected when a password is given."""
    paper = Paper(title=f"Invoice {bill.number}", author=bill.seller.name, family="Times", password=password)
    right = _TABLE.right
    paper.text(right, 72, bill.seller.name, Face(size=17, bold=True, ink=_INK), "right")
    paper.text(right, 86, "Chartered land, building and measured surveyors", Face(size=9.5, ink="#555555"), "right")
    paper.rule(62, right, 95, weight=1.2, ink=_INK)
    paper.stack(right, 110, bill.seller.lines, Face(size=9.5), "right")
    if bill.buyer:
        paper.stack(62, 150, (bill.buyer.name, *bill.buyer.lines), Face(size=10.5))
    paper.text(62, 252, "Invoice", Face(size=20, ink=_INK))
    _meta(paper, bill)
    rows = [
        (item.text, f"{UK.quantity(item.quantity)} {item.unit}", UK.number(item.price), UK.number(item.amount))
        for item in bill.items
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, 352), rows, bottom=600)
    paper.rule(62, right, y + 2)
    rows_below = (
        ("Subtotal excluding VAT", UK.money(bill.net)),
        ("VAT at 20%", UK.money(bill.tax)),
        ("Total due", UK.money(bill.due)),
    )
    y = totals(paper, 320, right - 2, y + 6, rows_below, strong=1)
    paper.rule(320, right, y + 4, weight=0.8)
    _payment(paper, bill, y + 38)
    _footer(paper, right)
    return paper.content()


def _meta(paper: Paper, bill: Bill) -> None:
    due = UK.date(bill.due_date) if bill.due_date else ""
    left = (("Invoice no.", bill.number), ("Invoice date", UK.date(bill.date)), ("Payment due", due))
    beside = (
        ("Our reference", "HB/J-2291"),
        ("Your order", "Letter of 14 January"),
        ("VAT reg. no.", "GB 362 0917 54"),
    )
    meta_list(paper, 62, 280, left, label_width=82, face=Face(size=10.5))
    meta_list(paper, 320, 280, beside, label_width=88, face=Face(size=10.5))


def _payment(paper: Paper, bill: Bill, y: float) -> None:
    paper.text(62, y, "How to pay", Face(size=11, bold=True, ink=_INK))
    pairs = (
        ("Bank", "Ouse Valley Bank plc"),
        ("Account name", bill.seller.name),
        ("Sort code", "00-14-92"),
        ("Account number", "00718264"),
        ("Reference", bill.number),
    )
    y = meta_list(paper, 62, y + 16, pairs, label_width=92, face=Face(size=10))
    text = (
        "Payment is due within 30 days of the invoice date. We understand and will exercise our statutory right to "
        "interest under the Late Payment of Commercial Debts (Interest) Act 1998."
    )
    paper.paragraph(62, y + 10, _TABLE.right - 62, text, Face(size=9, ink="#555555"))


def _footer(paper: Paper, right: float) -> None:
    paper.rule(62, right, 786, ink=_INK)
    text = "Registered in England and Wales no. 00419276. Registered office as above. Directors: J. Thornbury, M. Kerr"
    paper.text((62 + right) / 2, 799, text, Face(size=8, ink="#555555"), "center")
