"""UN/CEFACT Cross Industry Invoice: ZUGFeRD 1, ZUGFeRD 2, Factur-X, XRechnung CII."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from nightdrop.reading.xml_values import XmlInvoice, XmlValue, every, first, known, node_at

_TRADE = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMS = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_DATES = frozenset({"date", "due_date", "delivery_date"})


def read_cii(root: etree._Element) -> XmlInvoice:
    """Header and lines of a CrossIndustryInvoice (or CrossIndustryDocument, as ZUGFeRD 1 called it)."""
    document = node_at(root, "ExchangedDocument|HeaderExchangedDocument")
    trade = node_at(root, _TRADE)
    agreement, delivery = node_at(trade, _AGREEMENT), node_at(trade, _DELIVERY)
    settlement = node_at(trade, _SETTLEMENT)
    seller, buyer = node_at(agreement, "SellerTradeParty"), node_at(agreement, "BuyerTradeParty")
    bank = node_at(settlement, "SpecifiedTradeSettlementPaymentMeans")
    terms = node_at(settlement, "SpecifiedTradePaymentTerms")
    elements = {
        "invoice_number": first(document, "ID"),
        "date": first(document, "IssueDateTime/DateTimeString", "IssueDateTime"),
        "due_date": first(terms, "DueDateDateTime/DateTimeString", "DueDateDateTime"),
        "delivery_date": first(delivery, "ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString"),
        "order_number": first(
            agreement, "BuyerOrderReferencedDocument/IssuerAssignedID", "BuyerOrderReferencedDocument/ID"
        ),
        "customer_number": first(buyer, "ID"),
        "currency": first(settlement, "InvoiceCurrencyCode"),
        "seller": first(seller, "Name"),
        "buyer": first(buyer, "Name"),
        "seller_vat_id": _vat_id(seller),
        "buyer_vat_id": _vat_id(buyer),
        "iban": first(bank, "PayeePartyCreditorFinancialAccount/IBANID"),
        "bic": first(bank, "PayeeSpecifiedCreditorFinancialInstitution/BICID"),
        "payment_terms": first(terms, "Description"),
        **_sums(settlement),
    }
    lines = [_line(item) for item in every(trade, "IncludedSupplyChainTradeLineItem")] if trade is not None else []
    return XmlInvoice(header=_dated(known(elements)), lines=lines)


def _sums(settlement: etree._Element | None) -> dict[str, etree._Element | None]:
    sums = node_at(settlement, _SUMS)
    currency = first(settlement, "InvoiceCurrencyCode")
    code = (currency.text or "").strip() if currency is not None else ""
    taxes = [] if sums is None else list(every(sums, "TaxTotalAmount"))
    tax = next((t for t in taxes if t.get("currencyID") in (None, code)), taxes[0] if taxes else None)
    return {
        "net": first(sums, "TaxBasisTotalAmount"),
        "tax": tax if tax is not None and (tax.text or "").strip() else None,
        "total": first(sums, "GrandTotalAmount"),
        "due": first(sums, "DuePayableAmount"),
        "paid": first(sums, "TotalPrepaidAmount"),
        "discount": first(sums, "AllowanceTotalAmount"),
        "shipping": None,
    }


def _line(item: etree._Element) -> dict[str, XmlValue]:
    product = node_at(item, "SpecifiedTradeProduct")
    agreement = node_at(item, "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement")
    delivery = node_at(item, "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery")
    settlement = node_at(item, "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement")
    quantity = first(delivery, "BilledQuantity")
    sums = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
    values = known(
        {
            "position": first(item, "AssociatedDocumentLineDocument/LineID"),
            "item_number": first(product, "SellerAssignedID", "GlobalID", "BuyerAssignedID"),
            "description": first(product, "Name", "Description") if product is not None else _note(item),
            "quantity": quantity,
            "unit_price": first(
                agreement, "NetPriceProductTradePrice/ChargeAmount", "GrossPriceProductTradePrice/ChargeAmount"
            ),
            "tax_rate": first(
                settlement, "ApplicableTradeTax/RateApplicablePercent", "ApplicableTradeTax/ApplicablePercent"
            ),
            "amount": first(settlement, f"{sums}/LineTotalAmount"),
        }
    )
    if quantity is not None and quantity.get("unitCode"):
        path = f"{values['quantity'].path}/@unitCode"
        values["unit"] = XmlValue(text=str(quantity.get("unitCode")), path=path)
    return values


def _note(item: etree._Element) -> etree._Element | None:
    """A line without a product is a remark between the others; its text is all there is to describe it."""
    return first(item, "AssociatedDocumentLineDocument/IncludedNote/Content")


def _vat_id(party: etree._Element | None) -> etree._Element | None:
    for identifier in every(party, "SpecifiedTaxRegistration/ID") if party is not None else ():
        if identifier.get("schemeID") == "VA" and (identifier.text or "").strip():
            return identifier
    return None


def _dated(values: dict[str, XmlValue]) -> dict[str, XmlValue]:
    """CII writes days as 20260131 (format 102); what is no day is dropped, not passed on."""
    found = dict(values)
    for key in _DATES & values.keys():
        digits = values[key].text
        if len(digits) >= 8 and digits[:8].isdigit():
            found[key] = replace(values[key], text=f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}")
        elif digits[4:5] != "-":
            del found[key]
    return found
