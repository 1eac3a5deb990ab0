"""Elements by local name, whatever namespace a version of a standard uses, with their path as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlValue:
    """An element's text without outer blanks, and the element's path."""

    text: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlInvoice:
    """A structured invoice: values by concept (vocabulary.py), for the header and for each line."""

    header: dict[str, XmlValue]
    lines: list[dict[str, XmlValue]]


def local_name(element: etree._Element) -> str:
    """The element's name without namespace; empty for comments."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def every(node: etree._Element, path: str) -> Iterator[etree._Element]:
    """Descendants at this path of local names; a step may name alternatives, as in `A|B/C`."""
    step, _, rest = path.partition("/")
    names = step.split("|")
    for child in node:
        if local_name(child) in names:
            if rest:
                yield from every(child, rest)
            else:
                yield child


def first(node: etree._Element | None, *paths: str) -> etree._Element | None:
    """The first element with text at any of these paths, in their order."""
    if node is None:
        return None
    for path in paths:
        for element in every(node, path):
            if element.text and element.text.strip():
                return element
    return None


def node_at(node: etree._Element | None, path: str) -> etree._Element | None:
    """The first element at this path, with text or not."""
    return None if node is None else next(every(node, path), None)


def value_of(element: etree._Element | None) -> XmlValue | None:
    """Text and path of an element; None for None."""
    if element is None:
        return None
    return XmlValue(text=(element.text or "").strip(), path=element.getroottree().getpath(element))


def known(values: dict[str, etree._Element | None]) -> dict[str, XmlValue]:
    """Those elements that are there, as values."""
    return {key: value for key, element in values.items() if (value := value_of(element)) is not None}
