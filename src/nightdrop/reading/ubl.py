"""OASIS Universal Business Language 2: XRechnung and Peppol invoices and credit notes."""

from __future__ import annotations

from lxml import etree

from nightdrop.reading.xml_values import XmlInvoice, XmlValue, every, first, known, node_at

_NAMES = ("Party/PartyLegalEntity/RegistrationName", "Party/PartyName/Name")


def read_ubl(root: etree._Element) -> XmlInvoice:
    """Header and lines of a UBL Invoice or CreditNote."""
    seller, buyer = node_at(root, "AccountingSupplierParty"), node_at(root, "AccountingCustomerParty")
    sums = node_at(root, "LegalMonetaryTotal")
    account = node_at(root, "PaymentMeans/PayeeFinancialAccount")
    elements = {
        "invoice_number": first(root, "ID"),
        "date": first(root, "IssueDate"),
        "due_date": first(root, "DueDate", "PaymentMeans/PaymentDueDate"),
        "delivery_date": first(root, "Delivery/ActualDeliveryDate"),
        "order_number": first(root, "OrderReference/ID"),
        "customer_number": first(buyer, "Party/PartyIdentification/ID"),
        "currency": first(root, "DocumentCurrencyCode"),
        "seller": first(seller, *_NAMES),
        "buyer": first(buyer, *_NAMES),
        "seller_vat_id": _vat_id(seller),
        "buyer_vat_id": _vat_id(buyer),
        "iban": first(account, "ID"),
        "bic": first(account, "FinancialInstitutionBranch/ID"),
        "payment_terms": first(root, "PaymentTerms/Note"),
        "net": first(sums, "TaxExclusiveAmount"),
        "tax": _tax(root),
        "total": first(sums, "TaxInclusiveAmount"),
        "due": first(sums, "PayableAmount"),
        "paid": first(sums, "PrepaidAmount"),
        "discount": first(sums, "AllowanceTotalAmount"),
    }
    lines = [_line(item) for item in every(root, "InvoiceLine|CreditNoteLine")]
    return XmlInvoice(header=known(elements), lines=[line for line in lines if line])


def _tax(root: etree._Element) -> etree._Element | None:
    """The tax total in the invoice's currency; a second one may state it in the seller's."""
    currency = first(root, "DocumentCurrencyCode")
    code = (currency.text or "").strip() if currency is not None else None
    taxes = [tax for tax in every(root, "TaxTotal/TaxAmount") if (tax.text or "").strip()]
    return next((tax for tax in taxes if tax.get("currencyID") == code), taxes[0] if taxes else None)


def _vat_id(party: etree._Element | None) -> etree._Element | None:
    for scheme in every(party, "Party/PartyTaxScheme") if party is not None else ():
        kind = first(scheme, "TaxScheme/ID")
        if kind is not None and (kind.text or "").strip() == "VAT":
            return first(scheme, "CompanyID")
    return None


def _line(item: etree._Element) -> dict[str, XmlValue]:
    quantity = first(item, "InvoicedQuantity", "CreditedQuantity")
    values = known(
        {
            "position": first(item, "ID"),
            "item_number": first(
                item,
                "Item/SellersItemIdentification/ID",
                "Item/StandardItemIdentification/ID",
                "Item/BuyersItemIdentification/ID",
            ),
            "description": first(item, "Item/Name", "Item/Description"),
            "quantity": quantity,
            "unit_price": first(item, "Price/PriceAmount"),
            "tax_rate": first(item, "Item/ClassifiedTaxCategory/Percent"),
            "amount": first(item, "LineExtensionAmount"),
        }
    )
    if quantity is not None and quantity.get("unitCode"):
        path = f"{values['quantity'].path}/@unitCode"
        values["unit"] = XmlValue(text=str(quantity.get("unitCode")), path=path)
    return values
