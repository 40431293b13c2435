from __future__ import annotations

import re
from urllib.parse import unquote

import docs_pages
import pytest

_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def _links(page):
    found = (one or two for one, two in _LINK.findall(docs_pages.prose(page)))
    return [unquote(link) for link in found if "://" not in link]


@pytest.mark.parametrize("page", docs_pages.PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in docs_pages.anchors(target)
        ):
            broken.append(link)
    assert broken == []


def test_the_index_names_every_page():
    index = docs_pages.ROOT / "docs" / "README.md"
    named = {(index.parent / link.partition("#")[0]).resolve() for link in _links(index)}
    pages = set((docs_pages.ROOT / "docs").rglob("*.md")) - {index}
    assert pages - named == set()
