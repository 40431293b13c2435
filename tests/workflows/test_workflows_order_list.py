"""The example: its data is generated, its numbers are promised, its board fits the file."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from syncflow_dagster.core import templates
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

ROOT = Path(__file__).parents[2]
DATA = ROOT / "workflows" / "order_list" / "data"
FILES = ("order_list.csv", "order_list_sizes.csv", "expected.json")
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
LABEL_LENGTH, NAME_LENGTH, LONG_TEXT_LENGTH = 30, 255, 2000


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def workflow():
    environ = {"ORDERS_DATABASE_URL": "sqlite:////o.db", "MONDAY_TOKEN": "t"}
    loaded = load_file(ROOT / "workflows" / "order_list.yaml", environ)
    assert isinstance(loaded, LoadedWorkflow)
    return loaded.workflow


@pytest.fixture(scope="module")
def board():
    seed = ROOT / "workflows" / "sandbox" / "order_list.board.json"
    (board,) = json.loads(seed.read_text(encoding="utf-8"))["boards"]
    return board


def test_the_kept_data_is_what_the_script_makes(tmp_path):
    subprocess.run([sys.executable, "-I", DATA / "generate.py", tmp_path], check=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_the_numbers_promised_hold():
    assert len(EXPECTED["customers"]) >= 12
    assert EXPECTED["customers"]["GREYSON CLOTHIERS"] == {"items": 69, "subitems": 317}
    assert 1500 <= EXPECTED["lines"] <= 1700
    assert 350 <= EXPECTED["headers"] <= 400
    assert EXPECTED["source_rows"] == {
        "order_list": len(rows("order_list.csv")),
        "order_list_sizes": len(rows("order_list_sizes.csv")),
    }


def test_expectations_follow_from_the_rows_alone(workflow):
    """Count again from the CSV files, without the script's own bookkeeping."""
    dirty = {entry["order_number"]: entry["fate"] for entry in EXPECTED["dirty"]}
    wide = workflow.node("order_lines").unpivot.columns
    customers = {
        row["order_number"]: " ".join(row["customer_name"].split()).upper()
        for row in rows("order_list.csv")
        if dirty.get(row["order_number"]) != "rejected"
    }
    lines = Counter()
    for row in rows("order_list_sizes.csv"):
        number = row["order_number"]
        if number in customers and dirty.get(number) != "lines_rejected":
            lines[customers[number]] += sum(row[name] not in {"", "0"} for name in wide)
    items = Counter(customers.values())
    counted = {name: {"items": items[name], "subitems": lines[name]} for name in items}
    assert counted == EXPECTED["customers"]
    assert EXPECTED["headers"] == sum(items.values())
    assert EXPECTED["lines"] == sum(lines.values())
    assert EXPECTED["groups"] == len(items)


def test_each_kind_of_dirt_is_there_once_and_never_at_the_first_customer(workflow):
    fates = Counter(entry["fate"] for entry in EXPECTED["dirty"])
    assert fates == {"rejected": 4, "waiting": 1, "status_dead": 1, "lines_rejected": 1}
    headers = {}
    for row in rows("order_list.csv"):
        headers.setdefault(row["order_number"], []).append(row)
    sizes = Counter((row["order_number"], row["style"]) for row in rows("order_list_sizes.csv"))
    labels = workflow.pushes[0].items.statuses[0].labels
    found = {
        "orphan": {number for number, _ in sizes if number not in headers},
        "customer": {n for n, group in headers.items() if not group[0]["customer_name"]},
        "note": {n for n, group in headers.items() if len(group[0]["notes"]) > LONG_TEXT_LENGTH},
        "status": {n for n, group in headers.items() if group[0]["order_status"] not in labels},
        "twice": {n for n, group in headers.items() if len(group) > 1},
        "date": {n for n, group in headers.items() if "/" in group[0]["customer_due_date"]},
        "lines": {number for (number, _), count in sizes.items() if count > 1},
    }
    assert {kind: len(numbers) for kind, numbers in found.items()} == dict.fromkeys(found, 1)
    assert set.union(*found.values()) == {entry["order_number"] for entry in EXPECTED["dirty"]}
    for number in set.union(*found.values()) & set(headers):
        assert headers[number][0]["customer_name"] != "GREYSON CLOTHIERS"


def test_the_readme_tells_of_every_dirty_row():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for entry in EXPECTED["dirty"]:
        assert entry["order_number"] in readme
        assert f"`{entry['fate']}`" in readme


def test_no_clean_row_breaks_a_limit_of_the_board(workflow):
    template = templates.parse(workflow.pushes[0].items.name)
    for row in rows("order_list.csv"):
        assert len(template.render(row)) <= NAME_LENGTH


@pytest.mark.parametrize("part", ["items", "subitems"])
def test_the_board_has_every_column_the_file_maps(workflow, board, part):
    mapping = getattr(workflow.pushes[0], part)
    seed = board if part == "items" else board["subitems"]
    columns = {column["id"]: column for column in seed["columns"]}
    assert seed["key_column"] == mapping.key_column
    wanted = {entry.column: entry.type for entry in mapping.columns}
    wanted |= {entry.column: "status" for entry in mapping.statuses}
    wanted[mapping.key_column] = "text"
    assert {name: column["type"] for name, column in columns.items()} == wanted
    for status in mapping.statuses:
        assert columns[status.column]["labels"] == list(status.labels.values())
        assert all(len(label) <= LABEL_LENGTH for label in status.labels.values())


def test_the_board_has_every_label_the_data_needs(workflow, board):
    columns = {column["id"]: column for column in board["columns"]}
    delta = workflow.node("order_headers")
    dropdowns = [entry for entry in workflow.pushes[0].items.columns if entry.type == "dropdown"]
    assert len(dropdowns) == 4
    for entry in dropdowns:
        field = delta.field(entry.field)
        values = {row[field.source_column] for row in rows("order_list.csv")}
        if field.transform is not None:
            values = {field.transform.values[value] for value in values}
        assert values == set(columns[entry.column]["labels"])


def test_the_board_is_the_files_and_has_one_of_the_groups(workflow, board):
    assert board["id"] == workflow.pushes[0].board_id
    titles = {group["title"] for group in board["groups"]}
    assert len(titles & set(EXPECTED["customers"])) == 1


def test_nothing_but_the_quantity_column_follows_from_a_quantity(workflow):
    """One changed quantity is one write: no header field, name or status hangs on it."""
    push = workflow.pushes[0]
    assert [entry.column for entry in push.subitems.columns if entry.field == "quantity"] == [
        "quantity"
    ]
    assert "quantity" not in templates.parse(push.subitems.name).fields
    assert "quantity" not in {entry.field for entry in push.subitems.statuses}
    assert "quantity" not in workflow.node("order_lines").key
    wide = set(workflow.node("order_lines").unpivot.columns)
    assert not wide & {field.source_column for field in workflow.node("order_headers").fields}
