"""A tailor's invoice as a plain text e-mail, in UTF-8."""

from __future__ import annotations

import datetime

from nightdrop.demo.samples.bill import Bill, Party, items
from nightdrop.demo.samples.notation import GERMANY as DE

BILL = Bill(
    number="GÜ-2026-0077",
    date=datetime.date(2026, 2, 12),
    due_date=datetime.date(2026, 2, 26),
    currency="EUR",
    seller=Party(
        name="Maßschneiderei Größe & Übermaß OHG",
        lines=("Färbergäßchen 3", "86150 Augsburg", "USt-IdNr. DE 811 907 555"),
    ),
    buyer=Party(name="Tanzverein Rot-Weiß Göggingen e. V.", lines=("Frau Zoë Weiß", "Römerweg 18", "86199 Augsburg")),
    items=items(
        "19",
        (
            ("", "Frack, Größe 54, schwarz, Änderung", "2", "", "148.00"),
            ("", "Turnierkleid kürzen und säumen", "5", "", "39.50"),
            ("", "Schärpe bestickt, rot/weiß", "12", "", "17.80"),
        ),
    ),
)

_MAIL = """\
Von: Buchhaltung Größe & Übermaß <rechnung@groesse-uebermass.example>
An: kasse@rot-weiss-goeggingen.example
Betreff: Ihre Bestellung vom 02.02.2026 - Rechnung {number}
Datum: {date}

{seller}
{seller_lines}

Rechnung an:
{buyer}
{buyer_lines}

Rechnungsnummer: {number}
Rechnungsdatum:  {date}
Leistungsdatum:  09.02.2026
Kundennummer:    1204
Fällig am:       {due_date}

Guten Tag Frau Weiß,

herzlichen Dank für Ihre Bestellung. Für unsere Lieferung vom 09.02.2026
erlauben wir uns zu berechnen:

{table}

{sums}

Bitte überweisen Sie den Betrag auf unser Konto bei der Lechbank Augsburg:
IBAN DE89 3704 0044 0532 0130 00, BIC LECHDE71XXX
Verwendungszweck: {number}

Schöne Grüße aus dem Färbergäßchen
Änne Größe

--
{seller} · Amtsgericht Augsburg HRA 55507
"""


def write() -> bytes:
    """The mail as UTF-8 text."""
    buyer = BILL.buyer
    return _MAIL.format(
        number=BILL.number,
        date=DE.date(BILL.date),
        due_date=DE.date(BILL.due_date) if BILL.due_date else "",
        seller=BILL.seller.name,
        seller_lines="\n".join(BILL.seller.lines),
        buyer=buyer.name if buyer else "",
        buyer_lines="\n".join(buyer.lines) if buyer else "",
        table=_table(),
        sums=_sums(),
    ).encode()


def _table() -> str:
    rows = [f"{'Pos':<5}{'Bezeichnung':<38}{'Menge':>6}{'Einzelpreis':>13}{'Betrag':>12}", "-" * 74]
    rows += [
        f"{position:<5}{item.text:<38}{item.quantity!s:>6}{DE.number(item.price):>13}{DE.number(item.amount):>12}"
        for position, item in enumerate(BILL.items, start=1)
    ]
    return "\n".join([*rows, "-" * 74])


def _sums() -> str:
    pairs = (
        ("Nettobetrag:", BILL.net),
        ("Umsatzsteuer 19 %:", BILL.tax),
        ("Gesamtbetrag:", BILL.total),
        ("Zu zahlen:", BILL.due),
    )
    return "\n".join(f"{label:>56}{DE.money(amount):>18}" for label, amount in pairs)
