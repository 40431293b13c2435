"""Small parts of the shell: tables, plots, progress lines, column schemas, the census."""

import base64
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from dagster_cases import ORDER_LIST, SHIPMENTS

from syncflow_dagster.assets import columns, tables
from syncflow_dagster.assets.board_check import compare
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.assets.progress import Progress, duration
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.nodes.monday.census import BoardReader
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import BoardUnavailable
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.loader import load_folder


def test_text_of_a_record_stays_text_in_markdown():
    shown = tables.markdown("<img src=x> | **bold** [a](b)\nsecond line")
    assert shown == (r"\&lt;img src=x\&gt; \| \*\*bold\*\* \[a\]\(b\) second line")


def test_missing_values_are_blank_and_long_ones_are_cut():
    assert [tables.markdown(value) for value in (None, pd.NA, pd.NaT)] == ["", "", ""]
    assert len(tables.markdown("x" * 1000)) == 400
    assert tables.markdown("x" * 1000, 60).endswith("…")


def test_a_table_has_the_columns_asked_for_and_not_too_many_rows():
    rows = [
        {"a_b": number, "at": datetime(2026, 11, 2, tzinfo=UTC), "c": None} for number in range(99)
    ]
    made = tables.table(rows, ["at", "a_b", "c"])
    assert len(made.records) == tables.MOST_ROWS
    assert made.records[1].data == {"at": "2026-11-02 00:00:00+00:00", "a b": 1, "c": ""}
    assert [column.name for column in made.schema.columns] == ["at", "a b", "c"]


def test_a_preview_of_nothing_says_so():
    assert tables.preview([]).value == "No rows."


def test_a_plot_is_one_svg_picture_with_its_numbers_and_the_same_each_time():
    first, second = (bars({"inserted": 1234, "deleted": 0}, "records").value for _ in range(2))
    assert first == second
    svg = base64.b64decode(first.partition("base64,")[2].rstrip(")")).decode()
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "1,234" in svg
    assert len(first) < 20_000


def test_progress_is_told_at_most_every_two_seconds_with_rate_and_time_left():
    now = 0.0
    lines = []
    progress = Progress(lines.append, "effects", clock=lambda: now)
    progress.tell(1, lambda: 99)
    for now in (1.0, 1.9, 2.0, 2.5, 3.9, 4.0):
        progress.tell(int(now * 10), lambda: 1000)
    assert lines == [
        "20 effects done, 10.0/s, 1,000 to go, about 1 min 40 s left",
        "40 effects done, 10.0/s, 1,000 to go, about 1 min 40 s left",
    ]


@pytest.mark.parametrize(
    ("closes", "words"),
    [
        (100.0, "fits"),
        (99.9, "does not fit: 1 will be left"),
        (40.0, "does not fit: 600 will be left"),
    ],
)
def test_progress_says_whether_it_will_be_done_in_its_window(closes, words):
    now, lines = 0.0, []
    progress = Progress(lines.append, "effects", clock=lambda: now, closes_in_s=lambda: closes)
    now = 2.0
    progress.tell(20, lambda: 1000)
    assert lines[0].endswith(f"; the window ends in {duration(closes)}: {words}")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_spans_of_time_are_told_in_words(seconds, words):
    assert duration(seconds) == words


def test_column_schemas_name_every_field_and_where_it_goes(variables):
    order_list = load_folder(ORDER_LIST).workflow("order_list")
    lines = order_list.workflow.node("order_lines")
    pulled = {one.name: one for one in columns.of_pull(lines)["dagster/column_schema"].columns}
    assert "size" not in pulled
    assert pulled["one_size"].description == "a row with size = One size where it holds a value"
    (shipments,) = load_folder(SHIPMENTS).workflows
    delta = shipments.workflow.node("shipments")
    pulled = {one.name: one for one in columns.of_pull(delta)["dagster/column_schema"].columns}
    assert pulled["port_from"].description == "part of route"
    assert "source" not in pulled


def test_unknown_errors_are_left_as_they_are():
    with pytest.raises(ZeroDivisionError), readable_failures():
        raise ZeroDivisionError


def test_comparing_names_what_is_missing_unknown_and_double():
    found = compare({"a", "b"}, {"b": 2, "c": 1})
    assert (found.missing, found.unknown, found.double) == (["a"], ["c"], ["b"])
    assert (found.here, found.there) == (2, 3)
    assert not found.is_equal
    assert compare({"a"}, {"a": 1}).is_equal


@pytest.fixture
def board(world):
    """The board with three items, two with the same key, and one of a person."""
    connection = world.loaded.workflow.connections["monday"]
    create = (
        "mutation ($v: JSON) "
        '{ create_item(board_id: 9000000001, item_name: "i", column_values: $v) { id } }'
    )
    with closing(MondayClient(connection)) as client:
        for key in ("k1", "k1", "k2"):
            answer = client.execute(create, {"v": f'{{"record_uuid": "{key}"}}'})
            assert answer.data, answer
        assert client.execute(create, {"v": "{}"}).data
        clock = DatabaseClock(world.database)
        destination = MondayDestination(connection, 20)
        budgets = Budgets(world.database, clock, destination.account, destination.budgets())
        yield BoardReader(client, budgets, clock)


def test_the_census_counts_keys_page_by_page(board, monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.monday.census.PAGE", 2)
    census = board.count("9000000001", "record_uuid")
    assert census.keys == Counter({"k1": 2, "k2": 1})
    assert (census.without_key, census.complete, census.requests) == (1, True, 2)
    short = board.count("9000000001", "record_uuid", most_pages=1)
    assert (short.complete, short.keys.total() + short.without_key) == (False, 2)


def test_the_census_tries_again_and_then_says_that_it_cannot(board, world, monkeypatch):
    monkeypatch.setattr(DatabaseClock, "sleep", lambda self, seconds: None)
    world.sandbox.faults(kind="error_before", op="query", times=1)
    census = board.count("9000000001", "record_uuid")
    assert (census.keys.total(), census.requests) == (3, 2)
    world.sandbox.faults(kind="error_before", op="query")
    with pytest.raises(BoardUnavailable):
        board.count("9000000001", "record_uuid")
