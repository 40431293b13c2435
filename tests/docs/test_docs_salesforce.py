"""The pages on Salesforce say what the client does."""

from __future__ import annotations

import re

import docs_pages

from syncflow_dagster.core.soql.check import COMPOUND
from syncflow_dagster.nodes.salesforce import columns, errors

REFERENCE = docs_pages.REFERENCE


def test_every_error_is_listed_with_what_it_means():
    section = docs_pages.sections(REFERENCE / "errors.md")["Salesforce"]
    known = {**errors.CODES, **{str(status): one for status, one in errors.STATUSES.items()}}
    words = {one.value for kind in (errors.Read, errors.Write) for one in kind}
    assert words <= set(docs_pages.first_codes(section))
    listed = {}
    for cells in docs_pages.rows(section):
        if len(cells) == 3:
            write, read = (docs_pages.codes(cell)[0] for cell in cells[1:])
            for code in docs_pages.codes(cells[0]):
                if code in known and (code, read) != ("REQUEST_LIMIT_EXCEEDED", "again"):
                    assert code in words or code not in listed, code
                    listed[code] = (write, read)
    assert listed == {code: (one.write.value, one.read.value) for code, one in known.items()}
    for kind in set(errors._KINDS.values()):
        assert f"`{kind.__name__}`" in section


def test_every_trap_names_a_test_that_is_there():
    text = (REFERENCE / "salesforce-traps.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+)` `(\w+)`", text)
    assert len(named) == text.count("\n| ") - 1
    for path, test in named:
        assert f"def {test}(" in (docs_pages.ROOT / path).read_text(encoding="utf-8"), test


def test_types_with_a_meaning_of_their_own_are_listed():
    section = docs_pages.sections(REFERENCE / "source-types.md")["Salesforce"]
    assert set(columns._TYPES) | COMPOUND - {"complexvalue"} <= set(docs_pages.codes(section))
