"""A food wholesaler in Zwolle: two pages, a table that runs over with a carried amount, two VAT rates."""

from __future__ import annotations

import datetime
from decimal import Decimal

from nightdrop.demo.samples.bill import Bill, Item, Party, items
from nightdrop.demo.samples.blocks import Column, Table, meta_list, table_head, table_rows, totals
from nightdrop.demo.samples.notation import NETHERLANDS as NL
from nightdrop.demo.samples.paper import Face, Paper

BILL = Bill(
    number="26004173",
    date=datetime.date(2026, 3, 5),
    due_date=datetime.date(2026, 3, 19),
    currency="EUR",
    seller=Party(
        name="Groothandel Van der Meulen B.V.",
        lines=("Ossenkamp 12", "8024 AE Zwolle", "T 038 555 01 20", "debiteuren@vdmeulen.example"),
    ),
    buyer=Party(
        name="Restaurant De Gouden Karper", lines=("T.a.v. de heer S. Öztürk", "Oude Vismarkt 31", "8261 XX Kampen")
    ),
    items=items(
        "9",
        (
            ("10114", "Aardappelen vastkokend, zak 20 kg", "6", "zak", "14.95"),
            ("10133", "Uien geel, zak 10 kg", "3", "zak", "7.40"),
            ("10178", "Winterpeen gewassen, zak 10 kg", "2", "zak", "8.10"),
            ("10206", "Prei, kist 8 kg", "2", "kist", "15.60"),
            ("10240", "Bladspinazie, zak 1 kg", "12", "zak", "4.35"),
            ("10255", "Cherrytomaten, doos 3 kg", "4", "doos", "11.80"),
            ("10311", "Citroenen, doos 6 kg", "1", "doos", "13.25"),
            ("10390", "Verse bieslook, bos", "15", "bos", "1.05"),
            ("20017", "Roomboter ongezouten, pak 5 kg", "4", "pak", "46.90"),
            ("20031", "Slagroom 35%, can 5 liter", "6", "can", "22.45"),
            ("20044", "Crème fraîche, emmer 2 kg", "3", "emmer", "12.80"),
            ("20052", "Oude kaas 48+, per kg", "7.85", "kg", "14.30"),
            ("20066", "Scharreleieren M, tray 90 stuks", "4", "tray", "21.60"),
            ("30108", "Zalmfilet met huid, per kg", "9.4", "kg", "23.50"),
            ("30125", "Snoekbaarsfilet, per kg", "6.2", "kg", "28.75"),
            ("30160", "Hollandse garnalen gepeld, bak 1 kg", "4", "bak", "44.20"),
            ("30211", "Runderbavette, per kg", "8.65", "kg", "19.90"),
            ("30240", "Kalfswang, per kg", "5.3", "kg", "17.45"),
            ("40012", "Patentbloem, zak 25 kg", "2", "zak", "18.60"),
            ("40035", "Arboriorijst, zak 5 kg", "3", "zak", "13.15"),
            ("40071", "Zonnebloemolie, can 10 liter", "4", "can", "19.95"),
            ("40088", "Olijfolie extra vierge, blik 5 liter", "2", "blik", "43.80"),
            ("40120", "Fleur de sel, pot 1 kg", "2", "pot", "9.75"),
            ("40144", "Kappertjes in azijn, pot 935 g", "4", "pot", "8.20"),
            ("40151", "Dijonmosterd, emmer 5 kg", "1", "emmer", "17.90"),
        ),
    )
    + items(
        "21",
        (
            ("50010", "Riesling droog, doos 6 × 75 cl", "8", "doos", "38.40"),
            ("50022", "Rode huiswijn, bag-in-box 10 liter", "3", "stuk", "34.75"),
            ("60009", "Vaatwasmiddel vloeibaar, can 10 liter", "2", "can", "29.50"),
            ("60031", "Servetten 3-laags 40 × 40, doos 1.000", "2", "doos", "33.60"),
            ("60048", "Bakpapier 53 × 32,5 cm, pak 500 vel", "3", "pak", "16.85"),
            ("60055", "Vuilniszakken 120 liter, doos 250", "1", "doos", "41.20"),
            ("60070", "Huur rolcontainer, per week", "1", "stuk", "25.00"),
        ),
    ),
)

_GREEN = "#14614a"
_TABLE = Table(
    x=50,
    columns=(
        Column(title="Artikel", width=44),
        Column(title="Omschrijving", width=216),
        Column(title="Aantal", width=44, align="right"),
        Column(title="Eenheid", width=46),
        Column(title="Prijs", width=50, align="right"),
        Column(title="Btw", width=34, align="right"),
        Column(title="Bedrag", width=62, align="right"),
    ),
    head=Face(size=8.5, bold=True, ink=_GREEN),
    row_gap=7.5,
    pad=3,
)


def draw() -> bytes:
    """The invoice as PDF."""
    paper = Paper(title=f"Factuur {BILL.number}", author=BILL.seller.name)
    _letterhead(paper)
    _meta(paper)
    y, count = table_rows(paper, _TABLE, table_head(paper, _TABLE, 258), _rows(BILL.items), bottom=745)
    carried = sum((item.amount for item in BILL.items[:count]), Decimal("0.00"))
    _carry(paper, y + 6, "Transport naar pagina 2", carried)
    _footer(paper, 1)
    paper.next_page()
    paper.text(50, 56, BILL.seller.name, Face(size=10, bold=True, ink=_GREEN))
    paper.text(_TABLE.right, 56, f"Factuur {BILL.number} · vervolg", Face(size=9), "right")
    y = table_head(paper, _TABLE, 72)
    _carry(paper, y + 2, "Transport van pagina 1", carried)
    y, _ = table_rows(paper, _TABLE, y + 24, _rows(BILL.items[count:]), bottom=520)
    _sums(paper, y + 8)
    _footer(paper, 2)
    return paper.content()


def _rows(goods: tuple[Item, ...]) -> list[tuple[str, ...]]:
    return [
        (
            item.code,
            item.text,
            NL.quantity(item.quantity),
            item.unit,
            NL.number(item.price),
            f"{item.rate}%",
            NL.number(item.amount),
        )
        for item in goods
    ]


def _letterhead(paper: Paper) -> None:
    paper.disc(66, 56, 16, _GREEN)
    paper.text(66, 60, "vdM", Face(size=11, bold=True, ink="#ffffff"), "center")
    paper.text(92, 53, BILL.seller.name, Face(size=14, bold=True, ink=_GREEN))
    paper.text(92, 66, "Versgroothandel voor de horeca", Face(size=8.5, ink="#555555"))
    paper.stack(_TABLE.right, 48, BILL.seller.lines, Face(size=8, ink="#555555"), "right")


def _meta(paper: Paper) -> None:
    if BILL.buyer:
        paper.stack(50, 128, (BILL.buyer.name, *BILL.buyer.lines), Face(size=10))
    paper.text(50, 212, "FACTUUR", Face(size=16, bold=True))
    due = NL.date(BILL.due_date) if BILL.due_date else ""
    pairs = (
        ("Factuurnummer", BILL.number),
        ("Factuurdatum", NL.date(BILL.date)),
        ("Vervaldatum", due),
        ("Debiteurnummer", "51822"),
        ("Leverdatum", "04-03-2026"),
        ("Route / chauffeur", "K3 / J. de Wit"),
    )
    meta_list(paper, 350, 128, pairs, label_width=96, face=Face(size=9.5))
    paper.text(50, 236, "Afleveradres: Oude Vismarkt 31, Kampen (achterom, voor 10.00 uur)", Face(size=9))


def _carry(paper: Paper, y: float, label: str, amount: Decimal) -> None:
    face = Face(size=8.5, bold=True, ink="#555555")
    paper.text(97, y + 11, label, face)
    paper.text(_TABLE.right - 3, y + 11, NL.number(amount), face, "right")


def _sums(paper: Paper, y: float) -> None:
    paper.rule(50, _TABLE.right, y, weight=0.9)
    rows = [("Totaal excl. btw", NL.money(BILL.net))]
    rows += [(f"Btw {share.rate}% over {NL.money(share.base)}", NL.money(share.tax)) for share in BILL.shares]
    rows += [
        ("Totaal btw", NL.money(BILL.tax)),
        ("Totaal incl. btw", NL.money(BILL.total)),
        ("Te betalen", NL.money(BILL.due)),
    ]
    y = totals(paper, 330, _TABLE.right - 3, y + 6, rows, strong=1)
    due = NL.date(BILL.due_date) if BILL.due_date else ""
    text = (
        f"Wij verzoeken u het bedrag vóór {due} over te maken op IBAN NL91 ABNA 0417 1643 00 ten name van "
        f"{BILL.seller.name}, onder vermelding van factuurnummer {BILL.number} en debiteurnummer 51822. "
        "Reclames over verse waren binnen 24 uur na levering."
    )
    paper.paragraph(50, y + 30, _TABLE.right - 50, text, Face(size=9))


def _footer(paper: Paper, page: int) -> None:
    paper.rule(50, _TABLE.right, 796, ink=_GREEN)
    small = Face(size=7.5, ink="#555555")
    paper.text(50, 808, "KvK Zwolle 05550173 · Btw-nr. NL004173555B01 · BIC ABNANL2A", small)
    paper.text(_TABLE.right, 808, f"Pagina {page} van 2", small, "right")
