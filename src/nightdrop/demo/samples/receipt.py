"""A till receipt from a hardware shop in Galway: 72 mm wide, prices with VAT, paid by card."""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.notation import IRELAND as IE
from nightdrop.demo.samples.paper import Face, Paper

BILL = Bill(
    number="0417-00288",
    date=datetime.date(2026, 2, 17),
    due_date=None,
    currency="EUR",
    seller=Party(
        name="Harbour Lane Hardware", lines=("7 Harbour Lane, Galway", "Tel. 091 555 018", "VAT No. IE 9500418K")
    ),
    buyer=None,
    items=items(
        "23",
        (
            ("", "Masonry paint white 5L", "2", "", "34.95"),
            ("", "Paint roller set 9in", "1", "", "12.50"),
            ("", "Masking tape 48mm", "3", "", "3.25"),
            ("", "LED bulb E27 8W 2-pack", "2", "", "7.99"),
            ("", "Work gloves size L", "1", "", "6.75"),
        ),
    ),
    tax_included=True,
    shows_due=False,
)

_WIDTH, _HEIGHT = 204.0, 372.0
_LEFT, _RIGHT = 12.0, 192.0
_TEXT = Face(size=8, ink="#2b2b2b")
_STRONG = Face(size=10, bold=True, ink="#2b2b2b")


def draw() -> bytes:
    """The receipt as PDF."""
    paper = Paper(title="Receipt", author=BILL.seller.name, size=(_WIDTH, _HEIGHT), family="Courier")
    paper.text(_WIDTH / 2, 28, BILL.seller.name, _STRONG, "center")
    y = paper.stack(_WIDTH / 2, 42, BILL.seller.lines, _TEXT, "center")
    y = _pair(paper, y + 10, f"Receipt no. {BILL.number}", "Till 04")
    y = _pair(paper, y, f"Date {IE.date(BILL.date)}", "Time 16:42")
    y = _dashes(paper, _pair(paper, y, "Served by Aoife", ""))
    for item in BILL.items:
        y = _pair(paper, y, item.text, IE.number(item.amount))
        if item.quantity > 1:
            y = _pair(paper, y, f"  {item.quantity} @ {IE.number(item.price)}", "")
    y = _dashes(paper, y)
    y = _pair(paper, y + 2, "TOTAL", IE.money(BILL.total), _STRONG)
    y = _pair(paper, y + 2, "Visa debit ****4417", IE.money(BILL.total))
    y = _dashes(paper, _pair(paper, y, "Change", IE.money(BILL.total - BILL.total)))
    y = _pair(paper, y, "Net excl. VAT", IE.money(BILL.net))
    y = _pair(paper, y, "VAT 23%", IE.money(BILL.tax))
    y = _dashes(paper, y)
    paper.stack(
        _WIDTH / 2,
        y + 4,
        ("Goods returnable within 28 days", "with this receipt", "Go raibh maith agat!"),
        _TEXT,
        "center",
    )
    return paper.content()


def _pair(paper: Paper, y: float, left: str, right: str, face: Face = _TEXT) -> float:
    paper.text(_LEFT, y, left, face)
    if right:
        paper.text(_RIGHT, y, right, face, "right")
    return y + face.size * 1.45


def _dashes(paper: Paper, y: float) -> float:
    paper.text(_WIDTH / 2, y, "-" * 37, _TEXT, "center")
    return y + 12
