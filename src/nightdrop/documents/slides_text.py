"""The text of a PowerPoint presentation, slide by slide: titles, text, tables, diagrams. Notes are not on a slide."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from nightdrop.documents.grid import Table
from nightdrop.documents.package import Package
from nightdrop.errors import FileCorrupt

_MOST_SLIDES = 5_000


def slide_parts(package: Package) -> list[str]:
    """The names of the slides' parts in the order of the presentation."""
    main = package.main_part()
    targets = {relation.id: relation.target for relation in package.related(main) if relation.kind == "slide"}
    slides = package.xml(main).iterfind("{*}sldIdLst/{*}sldId")
    ids = [next((value for key, value in slide.items() if key.endswith("}id")), "") for slide in slides]
    if any(id not in targets for id in ids[:_MOST_SLIDES]):
        raise FileCorrupt("the presentation is damaged: a slide is missing")
    return [targets[id] for id in ids[:_MOST_SLIDES]]


def read_slide(package: Package, part: str) -> list[Table]:
    """One slide's tables in drawing order; a paragraph is a table of one cell."""
    found = list(_blocks(package.xml(part)))
    for relation in package.related(part):
        if relation.kind == "diagramData" and relation.target in package.names:
            found += _blocks(package.xml(relation.target))
    return found


def _blocks(parent: etree._Element) -> Iterator[Table]:
    for element in parent:
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if name == "p":
            text = _paragraph(element)
            if text:
                yield [[text]]
        elif name == "tbl":
            yield [[_cell(cell) for cell in row.iterfind("{*}tc")] for row in element.iterfind("{*}tr")]
        elif name and name != "Fallback" and not _is_hidden(element):
            yield from _blocks(element)


def _cell(cell: etree._Element) -> str:
    return "\n".join(text for text in map(_paragraph, cell.iter("{*}p")) if text)


def _paragraph(element: etree._Element) -> str:
    """Runs and fields; a line break inside becomes a space, as the lines of one title are one title."""
    parts: list[str] = []
    for part in element.iter("{*}t", "{*}br"):
        parts.append(" " if part.tag.endswith("}br") else part.text or "")
    return " ".join("".join(parts).split())


def _is_hidden(shape: etree._Element) -> bool:
    mark = shape.find("{*}nvSpPr/{*}cNvPr")
    return mark is not None and mark.get("hidden") in ("1", "true")
