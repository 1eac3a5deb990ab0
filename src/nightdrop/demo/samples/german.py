"""An office supplier in Freiburg: a letter after DIN 5008, two VAT rates, a footer in four columns."""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, meta_list, table_head, table_rows, totals
from nightdrop.demo.samples.notation import GERMANY as DE
from nightdrop.demo.samples.paper import Face, Paper

BILL = Bill(
    number="RE-2026-01187",
    date=datetime.date(2026, 1, 27),
    due_date=datetime.date(2026, 2, 10),
    currency="EUR",
    seller=Party(name="Lindenhof Bürotechnik GmbH", lines=("Güterstraße 41", "79106 Freiburg im Breisgau")),
    buyer=Party(
        name="Kanzlei Dr. Albrecht & Sommer PartG mbB",
        lines=("Frau Jördis Käßmann", "Münzgasse 9", "72070 Tübingen"),
    ),
    items=items(
        "19",
        (
            ("40211", "Höhenverstellbarer Schreibtisch „Tannau“ 160 × 80 cm, Eiche", "3", "Stk.", "689.00"),
            ("40377", "Bürodrehstuhl „Feldberg“ mit Lendenwirbelstütze", "3", "Stk.", "418.50"),
            ("90005", "Lieferung, Aufbau und Entsorgung der Verpackung", "4.5", "Std.", "62.00"),
        ),
    )
    + items("7", (("71803", "Fachbuch: Ergonomie im Büro, 2. Auflage", "4", "Stk.", "34.50"),)),
)

_GREY = "#5a5a5a"
_TABLE = Table(
    x=68,
    columns=(
        Column(title="Pos.", width=28),
        Column(title="Art.-Nr.", width=48),
        Column(title="Bezeichnung", width=178),
        Column(title="Menge", width=38, align="right"),
        Column(title="Einh.", width=34),
        Column(title="USt.", width=34, align="right"),
        Column(title="Einzelpreis", width=56, align="right"),
        Column(title="Gesamt", width=62, align="right"),
    ),
    head=Face(size=8, bold=True),
    row_rule="#d0d0d0",
    pad=3,
)


def draw() -> bytes:
    """The invoice as PDF."""
    paper = Paper(title=f"Rechnung {BILL.number}", author=BILL.seller.name)
    _letterhead(paper)
    _window(paper)
    _meta(paper)
    paper.text(68, 296, f"Rechnung Nr. {BILL.number}", Face(size=13, bold=True))
    paper.text(68, 318, "Sehr geehrte Frau Käßmann,", Face(size=9.5))
    paper.text(68, 333, "für unsere Lieferung vom 22.01.2026 berechnen wir Ihnen vereinbarungsgemäß:", Face(size=9.5))
    rows = [
        (
            str(position),
            item.code,
            item.text,
            DE.quantity(item.quantity),
            item.unit,
            f"{item.rate} %",
            DE.number(item.price),
            DE.number(item.amount),
        )
        for position, item in enumerate(BILL.items, start=1)
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, 346), rows, bottom=560)
    y = _sums(paper, y + 6)
    _closing(paper, y + 24)
    _footer(paper)
    return paper.content()


def _letterhead(paper: Paper) -> None:
    right = _TABLE.right
    for index, ink in enumerate(("#c2410c", "#ea8a3a", "#f4c38e")):
        paper.box(right - 150 + index * 11, 40, 8, 26 - index * 6, fill=ink)
    paper.text(right, 54, "LINDENHOF", Face(size=18, bold=True, ink="#c2410c"), "right")
    paper.text(right, 66, "Bürotechnik · Einrichtung · Service", Face(size=8, ink=_GREY), "right")
    for y in (297.6, 420.9):  # fold mark and punch mark
        paper.rule(12, 22, y, ink="#9a9a9a")


def _window(paper: Paper) -> None:
    sender = f"{BILL.seller.name} · Güterstraße 41 · 79106 Freiburg"
    paper.text(68, 136, sender, Face(size=6.5, ink=_GREY))
    paper.rule(68, 270, 139, weight=0.3, ink=_GREY)
    if BILL.buyer:
        paper.stack(68, 156, (BILL.buyer.name, *BILL.buyer.lines), Face(size=10.5))


def _meta(paper: Paper) -> None:
    pairs = (
        ("Rechnungsnummer:", BILL.number),
        ("Rechnungsdatum:", DE.date(BILL.date)),
        ("Lieferdatum:", "22.01.2026"),
        ("Kundennummer:", "K-30954"),
        ("Ihre Bestellung:", "vom 08.01.2026"),
        ("Ansprechpartner:", "Herr T. Wöhrle"),
        ("Durchwahl:", "0761 5550-134"),
    )
    meta_list(paper, 370, 146, pairs, label_width=94, face=Face(size=9))


def _sums(paper: Paper, y: float) -> float:
    rows = [("Summe netto", DE.money(BILL.net))]
    rows += [(f"zzgl. {s.rate} % USt. auf {DE.money(s.base)}", DE.money(s.tax)) for s in BILL.shares]
    rows += [("Umsatzsteuer gesamt", DE.money(BILL.tax)), ("Rechnungsbetrag", DE.money(BILL.total))]
    return totals(paper, 330, _TABLE.right - 3, y, rows, strong=1)


def _closing(paper: Paper, y: float) -> None:
    due = DE.date(BILL.due_date) if BILL.due_date else ""
    pairs = (("Zahlbetrag:", DE.money(BILL.due)), ("Zahlbar bis:", f"{due} ohne Abzug"))
    y = meta_list(paper, 68, y, pairs, label_width=70, face=Face(size=9.5, bold=True))
    text = (
        "Bitte geben Sie bei der Überweisung die Rechnungsnummer an. Die Ware bleibt bis zur vollständigen Bezahlung "
        "unser Eigentum. Vielen Dank für Ihren Auftrag."
    )
    y = paper.paragraph(68, y + 6, _TABLE.right - 68, text, Face(size=9.5))
    paper.text(68, y + 12, "Mit freundlichen Grüßen", Face(size=9.5))
    paper.text(68, y + 38, "i. A. Thilo Wöhrle", Face(size=9.5))


def _footer(paper: Paper) -> None:
    paper.rule(68, _TABLE.right, 772, weight=0.4, ink=_GREY)
    columns = (
        (BILL.seller.name, *BILL.seller.lines, "Deutschland"),
        ("Tel. 0761 5550-0", "Fax 0761 5550-199", "post@lindenhof.example", "www.lindenhof.example"),
        ("Dreisam-Volksbank", "IBAN DE89 3704 0044 0532 0130 00", "BIC DREIDE6FXXX", "Gläubiger-ID DE98ZZZ000004711"),
        (
            "Amtsgericht Freiburg HRB 700812",
            "Geschäftsführerin: Ute Linden",
            "USt-IdNr. DE300471182",
            "St.-Nr. 06/418/00953",
        ),
    )
    for x, lines in zip((68, 182, 278, 416), columns, strict=True):
        paper.stack(x, 784, lines, Face(size=7, ink=_GREY))
