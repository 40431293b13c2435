from __future__ import annotations

import docs_pages

from syncflow_dagster.core.timing.phrases import read_phrase

GUIDE = docs_pages.ROOT / "docs" / "how-to" / "say-when-a-workflow-runs.md"


def test_every_phrase_of_the_guide_is_understood():
    phrases = docs_pages.first_codes(docs_pages.sections(GUIDE)["Phrases"])
    assert len(phrases) > 10
    assert all(read_phrase(one) for one in phrases)


def test_every_part_of_a_phrase_in_the_reference_is_understood():
    page = docs_pages.REFERENCE / "workflow-file.md"
    rows = docs_pages.rows(docs_pages.sections(page)["Words of a phrase"])
    for days, times in rows:
        for code in docs_pages.codes(days):
            whole = f"last day {code}" if code.startswith("of ") else code
            assert read_phrase(whole if "hour" in code else f"{whole} at 7")
        for code in docs_pages.codes(times):
            assert read_phrase(f"hourly {code}" if ":1" in code else f"daily {code}")
    assert len(rows) > 5
