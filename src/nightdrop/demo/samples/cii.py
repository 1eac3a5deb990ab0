"""Writing an invoice as Factur-X XML (UN/CEFACT Cross Industry Invoice, profile EN 16931)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree

from nightdrop.demo.samples.bill import Bill, Item, TaxShare

_SPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_PROFILE = "urn:cen.eu:en16931:2017"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A party as the XML wants it: legal and tax numbers, and the address in its parts."""

    name: str
    siren: str
    vat: str
    street: str
    postcode: str
    city: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the XML says beyond the bill itself."""

    seller: Registered
    buyer: Registered
    order: str
    delivered: datetime.date
    iban: str
    units: dict[str, str]
    """Printed unit to UN/ECE Recommendation 20 code."""


class _Node:
    """An element under which more can be put, by `prefix:Name`."""

    def __init__(self, element: ElementTree.Element) -> None:
        self.element = element

    def put(self, name: str, text: str | Decimal | None = None, **attributes: str) -> _Node:
        child = ElementTree.SubElement(self.element, _qualified(name), attributes)
        child.text = None if text is None else str(text)
        return _Node(child)

    def date(self, name: str, day: datetime.date) -> None:
        self.put(name).put("udt:DateTimeString", f"{day:%Y%m%d}", format="102")


def invoice_xml(bill: Bill, envelope: Envelope) -> bytes:
    """The bill as `factur-x.xml`."""
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    root = _Node(ElementTree.Element(_qualified("rsm:CrossIndustryInvoice")))
    context = root.put("rsm:ExchangedDocumentContext")
    context.put("ram:GuidelineSpecifiedDocumentContextParameter").put("ram:ID", _PROFILE)
    document = root.put("rsm:ExchangedDocument")
    document.put("ram:ID", bill.number)
    document.put("ram:TypeCode", "380")
    document.date("ram:IssueDateTime", bill.date)
    trade = root.put("rsm:SupplyChainTradeTransaction")
    for position, item in enumerate(bill.items, start=1):
        _line(trade, str(position), item, envelope.units[item.unit])
    agreement = trade.put("ram:ApplicableHeaderTradeAgreement")
    _party(agreement.put("ram:SellerTradeParty"), envelope.seller)
    _party(agreement.put("ram:BuyerTradeParty"), envelope.buyer)
    agreement.put("ram:BuyerOrderReferencedDocument").put("ram:IssuerAssignedID", envelope.order)
    delivery = trade.put("ram:ApplicableHeaderTradeDelivery")
    delivery.put("ram:ActualDeliverySupplyChainEvent").date("ram:OccurrenceDateTime", envelope.delivered)
    _settlement(trade.put("ram:ApplicableHeaderTradeSettlement"), bill, envelope.iban)
    ElementTree.indent(root.element)
    xml: bytes = ElementTree.tostring(root.element, encoding="UTF-8", xml_declaration=True)
    return xml


def _line(trade: _Node, position: str, item: Item, unit: str) -> None:
    line = trade.put("ram:IncludedSupplyChainTradeLineItem")
    line.put("ram:AssociatedDocumentLineDocument").put("ram:LineID", position)
    product = line.put("ram:SpecifiedTradeProduct")
    product.put("ram:SellerAssignedID", item.code)
    product.put("ram:Name", item.text)
    price = line.put("ram:SpecifiedLineTradeAgreement").put("ram:NetPriceProductTradePrice")
    price.put("ram:ChargeAmount", item.price)
    line.put("ram:SpecifiedLineTradeDelivery").put("ram:BilledQuantity", item.quantity, unitCode=unit)
    settlement = line.put("ram:SpecifiedLineTradeSettlement")
    tax = settlement.put("ram:ApplicableTradeTax")
    tax.put("ram:TypeCode", "VAT")
    tax.put("ram:CategoryCode", "S")
    tax.put("ram:RateApplicablePercent", item.rate)
    settlement.put("ram:SpecifiedTradeSettlementLineMonetarySummation").put("ram:LineTotalAmount", item.amount)


def _party(node: _Node, party: Registered) -> None:
    node.put("ram:Name", party.name)
    node.put("ram:SpecifiedLegalOrganization").put("ram:ID", party.siren, schemeID="0002")
    address = node.put("ram:PostalTradeAddress")
    address.put("ram:PostcodeCode", party.postcode)
    address.put("ram:LineOne", party.street)
    address.put("ram:CityName", party.city)
    address.put("ram:CountryID", party.country)
    node.put("ram:SpecifiedTaxRegistration").put("ram:ID", party.vat, schemeID="VA")


def _settlement(node: _Node, bill: Bill, iban: str) -> None:
    node.put("ram:PaymentReference", bill.number)
    node.put("ram:InvoiceCurrencyCode", bill.currency)
    means = node.put("ram:SpecifiedTradeSettlementPaymentMeans")
    means.put("ram:TypeCode", "30")
    means.put("ram:PayeePartyCreditorFinancialAccount").put("ram:IBANID", iban)
    for share in bill.shares:
        _tax(node.put("ram:ApplicableTradeTax"), share)
    if bill.due_date:
        node.put("ram:SpecifiedTradePaymentTerms").date("ram:DueDateDateTime", bill.due_date)
    sums = node.put("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    sums.put("ram:LineTotalAmount", bill.net)
    sums.put("ram:TaxBasisTotalAmount", bill.net)
    sums.put("ram:TaxTotalAmount", bill.tax, currencyID=bill.currency)
    sums.put("ram:GrandTotalAmount", bill.total)
    sums.put("ram:TotalPrepaidAmount", bill.paid)
    sums.put("ram:DuePayableAmount", bill.due)


def _tax(node: _Node, share: TaxShare) -> None:
    node.put("ram:CalculatedAmount", share.tax)
    node.put("ram:TypeCode", "VAT")
    node.put("ram:BasisAmount", share.base)
    node.put("ram:CategoryCode", "S")
    node.put("ram:RateApplicablePercent", share.rate)


def _qualified(name: str) -> str:
    prefix, local = name.split(":")
    return f"{{{_SPACES[prefix]}}}{local}"
