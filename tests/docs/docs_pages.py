"""The pages of the documentation, taken apart for the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^(#+) +(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(page, *languages):
    """Return the fenced blocks of a page, of all languages or of some."""
    text = page.read_text(encoding="utf-8")
    found = [
        Fence(page, text[: match.start()].count("\n") + 1, match["language"], match["text"])
        for match in _FENCE.finditer(text)
    ]
    return [one for one in found if not languages or one.language in languages]


def prose(page):
    """Return a page's text without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    slugs = set()
    for _, title in _HEADING.findall(prose(page)):
        kept = re.sub(r"[^\w\- ]", "", title.lower())
        slugs.add(kept.replace(" ", "-"))
    return slugs


def sections(page):
    """Return the text under each heading, by the heading without back ticks."""
    parts = re.split(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        title.replace("`", ""): text for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def rows(text):
    """Return the cells of every table row of a text, without heads and rules."""
    found = []
    table = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            table = False
        elif set("".join(cells)) <= set("-: "):
            table = True
        elif table:
            found.append(cells)
    return found


def codes(text):
    """Return everything a text sets in back ticks."""
    return re.findall(r"`([^`]+)`", text)


def first_codes(text):
    """Return everything set in back ticks in the first cells of a text's tables."""
    return [code for cells in rows(text) for code in codes(cells[0])]
