"""The page on monday's columns says of every type what the code does."""

from __future__ import annotations

import json

import docs_pages
import pytest

from syncflow_dagster.nodes.monday.columns import KINDS, Options, cell
from syncflow_dagster.workflows.models import ColumnMapping
from syncflow_dagster.workflows.rules.board_columns import FITTING

PAGE = docs_pages.REFERENCE / "monday-columns.md"
ROWS = {
    docs_pages.codes(cells[0])[0]: cells[1:]
    for cells in docs_pages.rows(docs_pages.sections(PAGE)["Columns of monday.com"])
}
#: Values that are written as the page shows it.
VALUES = {
    "text": "abc",
    "long_text": "abc",
    "numbers": 42.5,
    "status": "Done",
    "dropdown": "A;B",
    "tags": 5001,
    "checkbox": True,
    "rating": 4,
    "date": "2026-10-01",
    "timeline": ("2026-10-01", "2026-10-09"),
    "week": "2026-10-07",
    "hour": "16:42",
    "world_clock": "Europe/Paris",
    "email": "a@b.co",
    "phone": "+1 202 555 0169",
    "link": "https://a.b",
    "country": "US United States",
    "location": "52.52 13.405 Berlin",
    "people": 1001,
    "board_relation": "1;2",
    "dependency": "1;2",
    "color_picker": "#FF5733",
}


def test_every_type_has_a_row():
    assert list(ROWS) == list(dict.fromkeys(ROWS))
    assert set(ROWS) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_field_types_are_those_the_check_lets_through(kind):
    named = {word.strip() for word in ROWS[kind][0].split(",")}
    assert named == set(FITTING.get(kind, {"all"}))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_form_is_the_one_written(kind):
    shown = json.loads(docs_pages.codes(ROWS[kind][2])[0])
    assert cell(kind, VALUES[kind], Options(separator=";")).value == shown


def test_what_clears_is_as_the_page_says():
    text = PAGE.read_text(encoding="utf-8")
    (line,) = [one for one in text.splitlines() if one.startswith('Cleared by `""`')]
    empty = set(docs_pages.codes(line.partition(". ")[0])) - {'""'}
    assert empty == {name for name, kind in KINDS.items() if kind.cleared == ""}
    assert all(KINDS[name].cleared is None for name in set(KINDS) - empty)


def test_the_rules_are_those_of_the_mapping():
    section = docs_pages.sections(PAGE)["Values that do not fit"]
    rules = ColumnMapping.model_json_schema()["properties"]["on_invalid"]["enum"]
    assert docs_pages.first_codes(section) == rules
