"""Office files as pages of text: a Word document is one page, a slide or a visible sheet is one each."""

from __future__ import annotations

from nightdrop.documents import kinds
from nightdrop.documents.grid import page_of_tables
from nightdrop.documents.package import opened_package
from nightdrop.records import DocumentText


def read_office(content: bytes, mime_type: str) -> DocumentText:
    """Pages without boxes; FileCorrupt, FileEncrypted or DocumentTooComplex when the file cannot be read."""
    if mime_type in kinds.SHEETS:
        from nightdrop.documents.sheets_text import read_sheets  # each format's reader is loaded for that format only

        sheets = read_sheets(content, mime_type)
        pages = [page_of_tables(number, [[[f"Sheet: {name}"]], rows]) for number, name, rows in sheets]
        return DocumentText(pages=tuple(pages), has_boxes=False)
    with opened_package(content) as package:
        if mime_type == kinds.DOCX:
            from nightdrop.documents.word_text import read_word

            pages = [page_of_tables(1, read_word(package))]
        else:
            from nightdrop.documents.slides_text import read_slide, slide_parts

            slides = enumerate(slide_parts(package), 1)
            pages = [page_of_tables(number, read_slide(package, part)) for number, part in slides]
    return DocumentText(pages=tuple(pages), has_boxes=False)


def count_pages(content: bytes, mime_type: str) -> int:
    """Slides, sheets, or 1; the same errors for a file that cannot be opened."""
    if mime_type == kinds.XLS:
        from nightdrop.documents.sheets_text import count_sheets

        return count_sheets(content)
    with opened_package(content) as package:
        if mime_type == kinds.PPTX:
            from nightdrop.documents.slides_text import slide_parts

            return len(slide_parts(package))
        if mime_type == kinds.DOCX:
            package.xml(package.main_part())
            return 1
        package.check_xml_size()
    from nightdrop.documents.sheets_text import count_sheets

    return count_sheets(content)
