"""The documentation as data: pages, their sections, links and code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = "```"
_SKIP = re.compile(r"<!-- not executed: (.+?) -->")
_TITLE = re.compile(r'title="([^"]+)"')
_HEADING = re.compile(r"(#+) (.+)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the number of its first line, and why it must not be executed."""

    language: str
    title: str | None
    line: int
    text: str
    skipped: str | None


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        """Every fenced block, in order."""
        found: list[Block] = []
        lines = self.text.splitlines()
        at = 0
        while at < len(lines):
            if not lines[at].startswith(FENCE):
                at += 1
                continue
            end = lines.index(FENCE, at + 1)
            info = lines[at].removeprefix(FENCE)
            title, skipped = _TITLE.search(info), _SKIP.fullmatch(lines[at - 1]) if at else None
            found.append(
                Block(
                    language=info.split(" ")[0],
                    title=title[1] if title else None,
                    line=at + 2,
                    text="\n".join(lines[at + 1 : end]) + "\n",
                    skipped=skipped[1] if skipped else None,
                )
            )
            at = end + 1
        return found

    @property
    def prose(self) -> list[tuple[int, str]]:
        """(line number, line) of everything outside the blocks."""
        found, inside = [], False
        for number, line in enumerate(self.text.splitlines(), start=1):
            if line.startswith(FENCE):
                inside = not inside
            elif not inside:
                found.append((number, line))
        return found

    @property
    def sections(self) -> dict[str, str]:
        """The text below each heading, up to the next one of any level."""
        found: dict[str, str] = {}
        name = ""
        for _, line in self.prose:
            heading = _HEADING.fullmatch(line)
            name = heading[2] if heading else name
            found[name] = found.get(name, "") + line + "\n"
        return found

    @property
    def anchors(self) -> set[str]:
        """What `#...` may name on this page: headings in lower case, without punctuation, `-` for spaces."""
        return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in self.sections if name}

    @property
    def links(self) -> list[tuple[int, str]]:
        """(line number, target) of every link."""
        return [(number, target) for number, line in self.prose for target in _LINK.findall(line)]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of every table row of the page."""
        return [cells(line) for _, line in self.prose if line.startswith("| ")]


def cells(line: str) -> list[str]:
    """The cells of a table row; `\\|` is a bar within a cell."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def named(text: str) -> set[str]:
    """Every word within backticks."""
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"-{0,2}\w[\w-]*", code)}


@cache
def all_pages() -> tuple[Page, ...]:
    """README and everything under docs/."""
    return tuple(Page(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))))


def page(name: str) -> Page:
    """The page at this path below the repository."""
    return next(p for p in all_pages() if p.name == name)
