"""A printer in Lyon: a blue banner, boxes for the client, an advance payment, mandatory small print."""

from __future__ import annotations

import datetime
from decimal import Decimal

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, meta_flush, table_head, table_rows, totals
from nightdrop.demo.samples.notation import FRANCE as FR
from nightdrop.demo.samples.paper import Face, Paper

BILL = Bill(
    number="F2026-0318",
    date=datetime.date(2026, 2, 18),
    due_date=datetime.date(2026, 3, 20),
    currency="EUR",
    seller=Party(
        name="Imprimerie Vaucelles SARL",
        lines=("27, quai des Étroits", "69005 Lyon", "Tél. 04 65 71 00 42", "contact@vaucelles.example"),
    ),
    buyer=Party(
        name="Les Jardins de Montferrand",
        lines=("À l'attention de Mme Agnès Lefèvre", "112, route de la Forêt", "63100 Clermont-Ferrand"),
    ),
    items=items(
        "20",
        (
            (
                "",
                "Catalogue printemps 2026, 64 pages, dos carré collé, couverture pelliculée mate",
                "1500",
                "ex.",
                "1.84",
            ),
            ("", "Affiches A2, quadrichromie recto, papier couché 170 g", "250", "ex.", "1.12"),
            ("", "Création graphique et mise en page (forfait)", "1", "forfait", "680.00"),
            ("", "Étiquettes adhésives pour pots, rouleau de 1 000", "8", "rouleau", "43.75"),
        ),
    )
    + items("5.5", (("", "Guide « Le jardin en ville », ISBN 978-2-000-41873-0", "60", "ex.", "9.20"),)),
    paid=Decimal("1200.00"),
)

_BLUE = "#1d3f72"
_TABLE = Table(
    x=42,
    columns=(
        Column(title="Désignation", width=236),
        Column(title="Qté", width=46, align="right"),
        Column(title="Unité", width=48),
        Column(title="P.U. HT", width=62, align="right"),
        Column(title="TVA", width=44, align="right"),
        Column(title="Montant HT", width=75, align="right"),
    ),
    head=Face(size=8.5, bold=True, ink=_BLUE),
    head_fill="#dbe4f2",
    zebra="#f3f6fb",
    row_gap=8,
)


def draw() -> bytes:
    """The invoice as PDF."""
    paper = Paper(title=f"Facture {BILL.number}", author=BILL.seller.name)
    _banner(paper)
    _parties(paper)
    rows = [
        (
            item.text,
            FR.quantity(item.quantity),
            item.unit,
            FR.number(item.price),
            f"{FR.quantity(item.rate)}\u00a0%",
            FR.number(item.amount),
        )
        for item in BILL.items
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, 276), rows, bottom=560)
    paper.rule(42, _TABLE.right, y, ink=_BLUE)
    y = _sums(paper, y + 14)
    _conditions(paper, y + 30)
    return paper.content()


def _banner(paper: Paper) -> None:
    paper.box(0, 0, paper.width, 74, fill=_BLUE)
    paper.text(42, 46, BILL.seller.name, Face(size=19, bold=True, ink="#ffffff"))
    paper.text(_TABLE.right, 46, "FACTURE", Face(size=19, ink="#ffffff"), "right")
    paper.text(42, 61, "Offset · Numérique · Façonnage, depuis 1962", Face(size=8, ink="#c9d6ea"))


def _parties(paper: Paper) -> None:
    paper.stack(42, 98, BILL.seller.lines, Face(size=9))
    if BILL.buyer:
        paper.box(318, 92, _TABLE.right - 318, 76, edge=_BLUE)
        paper.text(328, 106, "Facturé à", Face(size=7.5, bold=True, ink=_BLUE))
        paper.text(328, 121, BILL.buyer.name, Face(size=10.5, bold=True))
        paper.stack(328, 135, BILL.buyer.lines, Face(size=9))
    due = FR.date(BILL.due_date) if BILL.due_date else ""
    pairs = (
        ("N° de facture", BILL.number),
        ("Date de facture", FR.date(BILL.date)),
        ("Date d'échéance", due),
        ("N° client", "C00871"),
        ("Bon de commande", "BC-26-0044 du 12/01/2026"),
    )
    meta_flush(paper, 42, 268, 190, pairs, label=Face(size=9, ink=_BLUE), value=Face(size=9, bold=True))


def _sums(paper: Paper, y: float) -> float:
    rows = [("Total HT", FR.money(BILL.net))]
    rows += [
        (f"TVA {FR.quantity(share.rate)}\u00a0% sur {FR.number(share.base)}", FR.money(share.tax))
        for share in BILL.shares
    ]
    rows += [
        ("Total TVA", FR.money(BILL.tax)),
        ("Total TTC", FR.money(BILL.total)),
        ("Acompte versé le 14/01/2026", FR.money(-BILL.paid)),
        ("Net à payer", FR.money(BILL.due)),
    ]
    return totals(paper, 340, _TABLE.right - 4, y, rows, strong=1, fill="#dbe4f2")


def _conditions(paper: Paper, y: float) -> None:
    paper.text(42, y, "Règlement", Face(size=9, bold=True, ink=_BLUE))
    lines = (
        "Par virement à 30 jours : Crédit du Rhône · BIC CRRHFR2LXXX",
        "IBAN FR14 2004 1010 0505 0001 3M02 606 (rappeler le numéro de facture)",
    )
    y = paper.stack(42, y + 13, lines, Face(size=9))
    text = (
        "Pas d'escompte pour paiement anticipé. En cas de retard de paiement : pénalités au taux de trois fois "
        "l'intérêt légal, indemnité forfaitaire pour frais de recouvrement de 40 € (art. L441-10 du Code de commerce)."
    )
    paper.paragraph(42, y + 6, _TABLE.right - 42, text, Face(size=7.5, ink="#555555"))
    paper.rule(42, _TABLE.right, 800, ink=_BLUE)
    small = "SARL au capital de 48 000 € · RCS Lyon 552 100 719 · SIRET 552 100 719 00034 · TVA FR 61 552100719"
    paper.text(paper.width / 2, 812, small, Face(size=7, ink="#555555"), "center")
