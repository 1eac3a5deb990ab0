"""A joiner in Brittany who sends Factur-X: a modern page for people, the same invoice as XML inside for machines.

It carries the XML of the EN 16931 profile under the standard's file name, but is not PDF/A-3: it has no XMP and no
colour profile.
"""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.attach import attached
from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, table_head, table_rows, totals
from nightdrop.demo.samples.cii import Envelope, Registered, invoice_xml
from nightdrop.demo.samples.notation import FRANCE as FR
from nightdrop.demo.samples.paper import Face, Paper

XML_NAME = "factur-x.xml"

BILL = Bill(
    number="FA-2026-0092",
    date=datetime.date(2026, 3, 3),
    due_date=datetime.date(2026, 4, 2),
    currency="EUR",
    seller=Party(name="Menuiserie Kervadec SAS", lines=("4, rue du Chantier Naval", "29900 Concarneau")),
    buyer=Party(name="Hôtel de la Grève Blanche", lines=("19, boulevard de la Plage", "56340 Carnac")),
    items=items(
        "20",
        (
            ("FEN-140", "Fenêtre chêne 2 vantaux, 140 × 120 cm, double vitrage", "6", "pce", "742.00"),
            ("POR-083", "Porte d'entrée cintrée, bois exotique, ferrage laiton", "1", "pce", "2315.00"),
            ("LAM-012", "Lambris pin maritime raboté", "38.5", "m²", "27.40"),
            ("POS-001", "Pose et réglage, deux compagnons", "21", "h", "54.00"),
        ),
    )
    + items("10", (("REN-010", "Rénovation énergétique : calfeutrage des dormants existants", "9", "h", "54.00"),)),
)

ENVELOPE = Envelope(
    seller=Registered(
        name="Menuiserie Kervadec SAS",
        siren="428190632",
        vat="FR72428190632",
        street="4, rue du Chantier Naval",
        postcode="29900",
        city="Concarneau",
        country="FR",
    ),
    buyer=Registered(
        name="Hôtel de la Grève Blanche",
        siren="317640905",
        vat="FR18317640905",
        street="19, boulevard de la Plage",
        postcode="56340",
        city="Carnac",
        country="FR",
    ),
    order="CMD-2025-311",
    delivered=datetime.date(2026, 2, 27),
    iban="FR1420041010050500013M02606",
    units={"pce": "C62", "m²": "MTK", "h": "HUR"},
)

_TEAL = "#0f766e"
_TABLE = Table(
    x=196,
    columns=(
        Column(title="Description", width=164),
        Column(title="Quantité", width=60, align="right"),
        Column(title="Prix HT", width=56, align="right"),
        Column(title="Total HT", width=78, align="right"),
    ),
    head=Face(size=7.5, bold=True, ink=_TEAL),
    body=Face(size=7.5),
    row_rule="#d5dedd",
    row_gap=10,
    pad=2,
)


def draw() -> bytes:
    """The invoice as PDF, with its XML attached."""
    paper = Paper(title=f"Facture {BILL.number}", author=BILL.seller.name, family="Vera")
    _sidebar(paper)
    paper.text(_TABLE.x, 72, "Facture", Face(size=24, ink=_TEAL))
    paper.text(_TABLE.x, 90, "Fourniture et pose de menuiseries, chantier de Carnac", Face(size=8, ink="#555555"))
    if BILL.buyer:
        paper.text(_TABLE.x, 124, "Client", Face(size=7.5, bold=True, ink=_TEAL))
        paper.text(_TABLE.x, 138, BILL.buyer.name, Face(size=10, bold=True))
        paper.stack(_TABLE.x, 152, (*BILL.buyer.lines, f"TVA {ENVELOPE.buyer.vat}"), Face(size=8))
    rows = [
        (
            f"{item.text} (TVA {item.rate}\u00a0%)",
            f"{FR.quantity(item.quantity)} {item.unit}",
            FR.number(item.price),
            FR.number(item.amount),
        )
        for item in BILL.items
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, 206), rows, bottom=560)
    _sums(paper, y + 12)
    small = "SAS au capital de 20 000 € · RCS Quimper 428 190 632 · Assurance décennale Armor Prévoyance n° 7741-B"
    paper.text(_TABLE.x, 806, small, Face(size=5.8, ink="#555555"))
    return attached(paper.content(), XML_NAME, invoice_xml(BILL, ENVELOPE), BILL.date)


def _sidebar(paper: Paper) -> None:
    paper.box(0, 0, 170, paper.height, fill="#e8f1f0")
    paper.box(30, 44, 30, 30, fill=_TEAL)
    paper.text(45, 66, "K", Face(size=18, bold=True, ink="#ffffff"), "center")
    paper.text(30, 98, "Menuiserie Kervadec SAS", Face(size=8.5, bold=True))
    lines = (*BILL.seller.lines, "02 61 91 50 17", "atelier@kervadec.example", f"TVA {ENVELOPE.seller.vat}")
    paper.stack(30, 112, lines, Face(size=7.5))
    due = FR.date(BILL.due_date) if BILL.due_date else ""
    y = 206.0
    for label, value in (
        ("Facture n°", BILL.number),
        ("Date d'émission", FR.date(BILL.date)),
        ("Échéance", due),
        ("Votre commande", ENVELOPE.order),
        ("Livraison", FR.date(ENVELOPE.delivered)),
    ):
        paper.text(30, y, label, Face(size=7, ink=_TEAL))
        paper.text(30, y + 12, value, Face(size=9, bold=True))
        y += 34
    paper.text(30, 640, "Règlement par virement", Face(size=7, bold=True, ink=_TEAL))
    paper.stack(
        30, 653, ("Banque d'Armor", "IBAN FR14 2004 1010 0505", "0001 3M02 606", "BIC ARMOFR2BXXX"), Face(size=7)
    )


def _sums(paper: Paper, y: float) -> None:
    rows = [("Total HT", FR.money(BILL.net))]
    rows += [(f"TVA {share.rate}\u00a0%", FR.money(share.tax)) for share in BILL.shares]
    rows += [
        ("Total TVA", FR.money(BILL.tax)),
        ("Total TTC", FR.money(BILL.total)),
        ("Montant dû", FR.money(BILL.due)),
    ]
    y = totals(paper, 356, _TABLE.right - 2, y, rows, strong=1, fill="#e8f1f0")
    text = (
        "Facture au format Factur-X : les données structurées sont jointes à ce fichier. Pénalités de retard : trois "
        "fois le taux d'intérêt légal ; indemnité forfaitaire de recouvrement : 40 €."
    )
    paper.paragraph(_TABLE.x, y + 34, _TABLE.right - _TABLE.x, text, Face(size=6.5, ink="#555555"))
