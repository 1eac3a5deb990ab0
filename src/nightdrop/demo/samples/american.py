"""A supplier in Washington State: Letter paper, a strip of boxes, sales tax, a deposit already received."""

from __future__ import annotations

import datetime
from decimal import Decimal

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, meta_flush, meta_strip, table_head, table_rows, totals
from nightdrop.demo.samples.notation import US
from nightdrop.demo.samples.paper import LETTER, Face, Paper

BILL = Bill(
    number="INV-20418",
    date=datetime.date(2026, 3, 9),
    due_date=datetime.date(2026, 4, 8),
    currency="USD",
    seller=Party(
        name="Cascade Timber & Tool Supply, Inc.",
        lines=("2140 Port of Tacoma Road, Suite 6", "Tacoma, WA 98421", "(253) 555-0142 · ar@cascadetimber.example"),
    ),
    buyer=Party(
        name="Blue Heron Builders LLC", lines=("Attn: Accounts Payable", "418 Alder Street SE", "Olympia, WA 98501")
    ),
    items=items(
        "10.3",
        (
            ("DF-2608", 'Douglas fir framing lumber, 2" x 6" x 8\', kiln dried', "120", "EA", "9.85"),
            ("PLY-75", "Sanded plywood 3/4\", 4' x 8' sheet, grade AC", "24", "SHT", "61.40"),
            ("SCR-9-3", 'Structural wood screws #9 x 3", box of 500', "6", "BOX", "48.95"),
            ("BLD-10", '10" carbide table saw blade, 60 tooth', "2", "EA", "79.00"),
            ("SVC-DLV", "Lift-gate delivery to job site (Boulevard Rd)", "1", "EA", "135.00"),
        ),
    ),
    paid=Decimal("750.00"),
)

_TABLE = Table(
    x=45,
    columns=(
        Column(title="ITEM", width=66),
        Column(title="DESCRIPTION", width=248),
        Column(title="QTY", width=44, align="right"),
        Column(title="U/M", width=40, align="center"),
        Column(title="RATE", width=58, align="right"),
        Column(title="AMOUNT", width=66, align="right"),
    ),
    head=Face(size=8, bold=True, ink="#ffffff"),
    head_fill="#2f5d50",
    row_rule="#cfd8d4",
)


def draw() -> bytes:
    """The invoice as PDF."""
    paper = Paper(title=f"Invoice {BILL.number}", author=BILL.seller.name, size=LETTER)
    right = _TABLE.right
    _letterhead(paper, right)
    y = _addresses(paper)
    y = meta_strip(
        paper,
        45,
        y,
        right - 45,
        (
            ("P.O. NUMBER", "7731-B"),
            ("SALES REP", "D. Okafor"),
            ("SHIP VIA", "Our truck"),
            ("SHIP DATE", US.date(datetime.date(2026, 3, 6))),
            ("TERMS", "Net 30"),
        ),
        fill="#e4ece9",
    )
    rows = [
        (item.code, item.text, US.quantity(item.quantity), item.unit, US.number(item.price), US.number(item.amount))
        for item in BILL.items
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, y + 16), rows, bottom=560)
    _sums(paper, y + 12, right)
    _footer(paper, right)
    return paper.content()


def _letterhead(paper: Paper, right: float) -> None:
    paper.box(45, 42, 34, 34, fill="#2f5d50")
    paper.text(62, 65, "CT", Face(size=16, bold=True, ink="#ffffff"), "center")
    paper.text(88, 54, BILL.seller.name, Face(size=13, bold=True))
    paper.stack(88, 67, BILL.seller.lines, Face(size=8, ink="#444444"))
    paper.text(right, 60, "INVOICE", Face(size=22, bold=True, ink="#2f5d50"), "right")
    due_date = US.date(BILL.due_date) if BILL.due_date else ""
    pairs = (("Invoice #", BILL.number), ("Invoice date", US.date(BILL.date)), ("Due date", due_date))
    meta_flush(paper, 420, right, 84, pairs, label=Face(size=9, bold=True), value=Face(size=9))


def _addresses(paper: Paper) -> float:
    head = Face(size=8, bold=True, ink="#2f5d50")
    paper.text(45, 148, "BILL TO", head)
    paper.text(310, 148, "SHIP TO", head)
    if BILL.buyer:
        paper.text(45, 161, BILL.buyer.name, Face(size=9.5, bold=True))
        paper.stack(45, 174, BILL.buyer.lines)
    return (
        paper.stack(310, 161, ("Job site 24-117, gate code with driver", "3305 Boulevard Road SE", "Olympia, WA 98501"))
        + 18
    )


def _sums(paper: Paper, y: float, right: float) -> None:
    rows = (
        ("Subtotal", US.money(BILL.net)),
        ("Sales tax (10.3%)", US.money(BILL.tax)),
        ("Total", US.money(BILL.total)),
        ("Deposit received 02/27/2026", US.money(-BILL.paid)),
        ("Balance due", US.money(BILL.due)),
    )
    totals(paper, 370, right - 4, y, rows, strong=1, fill="#e4ece9")
    paper.paragraph(
        45,
        y + 12,
        270,
        "Returns within 30 days with this invoice. Cut-to-size lumber is not returnable. "
        "A finance charge of 1.5% per month applies to past due balances.",
        Face(size=8, ink="#444444"),
    )


def _footer(paper: Paper, right: float) -> None:
    paper.rule(45, right, 722, ink="#2f5d50")
    paper.text(306, 735, "Make checks payable to Cascade Timber & Tool Supply, Inc.", Face(size=8), "center")
    paper.text(
        306,
        747,
        "ACH: Rainier Harbor Bank · Routing 000000518 · Account 4410 220 871 · WA UBI 604-555-019",
        Face(size=8),
        "center",
    )
    paper.text(306, 763, "Thank you for your business!", Face(size=9, bold=True, ink="#2f5d50"), "center")
