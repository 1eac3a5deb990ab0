"""Structured invoices: Factur-X, ZUGFeRD 1 and 2, XRechnung (CII and UBL), embedded in a PDF or on their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from nightdrop.reading.cii import read_cii
from nightdrop.reading.concepts import concept_of, is_lines, line_concept_of
from nightdrop.reading.found import Found, Source
from nightdrop.reading.shape import Field
from nightdrop.reading.ubl import read_ubl
from nightdrop.reading.xml_values import XmlInvoice, XmlValue, local_name, node_at

CONFIDENCE = 0.99
_LIKELY_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
_MONEY = frozenset({"net", "tax", "total", "due", "paid", "discount", "shipping", "unit_price", "amount"})


def read_xml(content: bytes) -> XmlInvoice | None:
    """The invoice in this XML; None when it is not well-formed or no kind of invoice known here."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(content.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if node_at(root, "ExchangedDocument|HeaderExchangedDocument") is not None:
        invoice = read_cii(root)  # whatever its root is called: early ZUGFeRD files say Invoice
    elif local_name(root) in ("Invoice", "CreditNote"):
        invoice = read_ubl(root)
    else:
        return None
    return invoice if invoice.header else None


def find_invoice(attachments: dict[str, bytes]) -> XmlInvoice | None:
    """The structured invoice among a PDF's attachments, those with a standard's file name first."""
    for name in sorted(_xml_names(attachments), key=lambda name: name.lower() not in _LIKELY_NAMES):
        invoice = read_xml(attachments[name])
        if invoice is not None:
            return invoice
    return None


def _xml_names(attachments: dict[str, bytes]) -> Iterable[str]:
    return (name for name, data in attachments.items() if name.lower().endswith(".xml") or data[:5] == b"<?xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class EinvoiceSource:
    """Answers a schema's fields from the XML."""

    invoice: XmlInvoice

    def value(self, field: Field, parent: str) -> Found | None:
        """The header value a field means."""
        concept = concept_of(field, parent)
        return None if concept is None else _found(self.invoice.header, concept.key)

    def rows(self, field: Field) -> list[Source]:
        """The invoice's lines, for a list that means them."""
        return [LineSource(line=line) for line in self.invoice.lines] if is_lines(field) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSource:
    """Answers the fields of one line."""

    line: dict[str, XmlValue]

    def value(self, field: Field, parent: str) -> Found | None:
        """The line's value a sub-field means."""
        concept = line_concept_of(field)
        return None if concept is None else _found(self.line, concept.key)

    def rows(self, field: Field) -> list[Source]:
        """Lines of lines are not part of the standards."""
        return []


def _found(values: dict[str, XmlValue], key: str) -> Found | None:
    value = values.get(key)
    if value is None:
        return None
    typed: str | Decimal = value.text
    if key in _MONEY:
        try:
            typed = Decimal(value.text)
        except InvalidOperation:
            return None
    return Found(value=typed, confidence=CONFIDENCE, evidence=value.path)
