"""A workshop near Brescia: the printed form with a labelled box for everything."""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.blocks import Column, Table, form_box, table_head, table_rows
from nightdrop.demo.samples.notation import ITALY as IT
from nightdrop.demo.samples.paper import Face, Paper

BILL = Bill(
    number="214/2026",
    date=datetime.date(2026, 2, 26),
    due_date=datetime.date(2026, 4, 30),
    currency="EUR",
    seller=Party(
        name="Officine Meccaniche Bellandi S.r.l.",
        lines=("Via dell'Industria, 38", "25030 Roncadelle (BS)", "P.IVA e C.F. IT 01928370465", "Tel. 030 555 0176"),
    ),
    buyer=Party(
        name="Caseificio Alta Valle Soc. Coop.",
        lines=("Località Pian della Città, 5", "38020 Rabbi (TN)", "P.IVA IT 00718290226"),
    ),
    items=items(
        "22",
        (
            ("PO-118", "Pompa centrifuga sanitaria AISI 316L, DN 50, 2,2 kW", "2", "PZ", "1185.00"),
            ("GU-050", "Guarnizione in EPDM per raccordo DIN 11851, DN 50", "40", "PZ", "2.35"),
            ("VA-222", "Valvola a farfalla DN 50, attacchi a saldare", "6", "PZ", "96.80"),
            ("MO-001", "Manodopera specializzata per revisione linea latte", "14.5", "ORE", "48.00"),
            ("TR-000", "Trasferta tecnico, Roncadelle-Rabbi e ritorno", "264", "KM", "0.62"),
        ),
    ),
)

_LEFT, _WIDTH = 36.0, 523.0
_TABLE = Table(
    x=_LEFT,
    columns=(
        Column(title="CODICE", width=56),
        Column(title="DESCRIZIONE", width=239),
        Column(title="U.M.", width=34, align="center"),
        Column(title="QUANTITÀ", width=56, align="right"),
        Column(title="PREZZO", width=52, align="right"),
        Column(title="IMPORTO", width=56, align="right"),
        Column(title="IVA", width=30, align="center"),
    ),
    head=Face(size=7, bold=True),
    head_fill="#e6e6e6",
    row_gap=7,
)


def draw() -> bytes:
    """The invoice as PDF."""
    paper = Paper(title=f"Fattura {BILL.number}", author=BILL.seller.name)
    paper.text(_LEFT, 52, BILL.seller.name, Face(size=14, bold=True))
    paper.stack(_LEFT, 66, BILL.seller.lines, Face(size=8))
    _head_boxes(paper)
    rows = [
        (
            item.code,
            item.text,
            item.unit,
            IT.quantity(item.quantity),
            IT.number(item.price),
            IT.number(item.amount),
            str(item.rate),
        )
        for item in BILL.items
    ]
    y, _ = table_rows(paper, _TABLE, table_head(paper, _TABLE, 224), rows, bottom=500)
    paper.box(_LEFT, 224, _WIDTH, 330, edge="#5c5c5c")
    paper.text(_LEFT + 60, y + 22, "Rif. Vs. ordine n. 1107 del 02/02/2026 - DDT n. 96 del 24/02/2026", Face(size=8))
    _total_boxes(paper)
    lines = (
        "Contributo ambientale CONAI assolto ove dovuto. Copia analogica della fattura elettronica inviata al Sistema "
        "di Interscambio.",
        "Cap. soc. € 90.000,00 i.v. - Registro Imprese di Brescia e C.F. 01928370465 - REA BS-555019",
    )
    paper.stack(_LEFT, 776, lines, Face(size=6.5, ink="#5c5c5c"))
    return paper.content()


def _head_boxes(paper: Paper) -> None:
    buyer = BILL.buyer
    if buyer:
        form_box(paper, 308, 40, 251, 74, "Spett.le (cliente)", (buyer.name, *buyer.lines))
    boxes = (
        (60, "Tipo documento", "FATTURA"),
        (94, "Numero", BILL.number),
        (88, "Data documento", IT.date(BILL.date)),
        (78, "Cod. cliente", "004417"),
        (203, "Causale", "VENDITA E ASSISTENZA"),
    )
    _row(paper, 134, boxes)
    due = IT.date(BILL.due_date) if BILL.due_date else ""
    below = (
        (154, "Condizioni di pagamento", "BONIFICO 60 GG F.M."),
        (88, "Scadenza", due),
        (281, "Banca d'appoggio / IBAN", ""),
    )
    _row(paper, 170, below)
    paper.text(_LEFT + 247, 189, "BCC del Mella - IT60 X054 2811 1010 0000 0123 456", Face(size=8.5))


def _total_boxes(paper: Paper) -> None:
    first = (
        (150, "Totale imponibile", IT.money(BILL.net)),
        (73, "Aliquota IVA", "22 %"),
        (150, "Totale imposta", IT.money(BILL.tax)),
        (150, "Totale documento", IT.money(BILL.total)),
    )
    _row(paper, 566, first)
    second = ((223, "Spese di trasporto e imballo", "COMPRESE"), (150, "Acconti", IT.money(BILL.paid)))
    _row(paper, 602, second)
    paper.box(_LEFT + 373, 602, 150, 36, fill="#e6e6e6", edge="#5c5c5c")
    paper.text(_LEFT + 376, 609.5, "NETTO A PAGARE", Face(size=6.5, bold=True))
    paper.text(_LEFT + 517, 628, IT.money(BILL.due), Face(size=13, bold=True), "right")
    form_box(paper, _LEFT, 646, _WIDTH, 58, "Annotazioni", ())
    text = (
        "Garanzia 12 mesi sui componenti forniti. Trascorsi i termini di pagamento saranno applicati gli interessi di "
        "mora ai sensi del D.Lgs. 231/2002. Foro competente: Brescia."
    )
    paper.paragraph(_LEFT + 5, 666, _WIDTH - 12, text, Face(size=8))


def _row(paper: Paper, y: float, boxes: tuple[tuple[float, str, str], ...]) -> None:
    x = _LEFT
    for width, label, value in boxes:
        form_box(paper, x, y, width, 36 if y > 560 else 30, label, (value,))
        x += width
