"""Links lead somewhere, every page is in the index, and nothing of this machine is on a page."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT, Page, all_pages, page


def test_internal_links_lead_to_a_page_and_a_heading() -> None:
    broken = []
    for source in all_pages():
        for line, target in source.links:
            if "://" in target:
                continue
            place, _, anchor = target.partition("#")
            path = (source.path.parent / place).resolve() if place else source.path
            if not path.exists() or (anchor and anchor not in Page(path).anchors):
                broken.append(f"{source.name}:{line}: {target}")
    assert not broken


def test_every_page_is_in_the_index() -> None:
    index = page("docs/README.md")
    linked = {(index.path.parent / target).resolve() for _, target in index.links}
    assert {p.path for p in all_pages() if p.path.is_relative_to(ROOT / "docs")} - {index.path} <= linked


def test_the_readme_has_the_command_that_ci_calls() -> None:
    assert "make test" in page("README.md").text.splitlines()
    assert "make test" in Path(ROOT, ".ci", "run").read_text(encoding="utf-8").splitlines()


def test_no_page_names_a_place_of_one_machine() -> None:
    found = [
        f"{p.name}:{number}"
        for p in all_pages()
        for number, line in enumerate(p.text.splitlines(), start=1)
        if re.search(r"(?<![\w.])/(work|root|home|tmp|Users)/", line)
    ]
    assert not found
