"""Connections of type `files`: a pattern takes the template's place, and is checked as one."""

import pytest

from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import FilesConnection

ENVIRON = {"ORDERS_FOLDER": "/srv/orders", "MONDAY_TOKEN": "tok-12345"}


@pytest.fixture
def text(example_text):
    """The example with its headers read from files."""
    sql = "    type: sql\n    url: ${ORDERS_DATABASE_URL}\n"
    files = "    type: files\n    folder: ${ORDERS_FOLDER}\n    delimiter: ';'\n"
    changed = example_text.replace(sql, files)
    for name in ("headers", "lines"):
        changed = changed.replace(
            f"query: order_list/{name}.sql.j2\n    parameters: {{company: US01}}",
            f"query: {name}-*.csv",
        )
    assert changed.count(".csv") == 2
    return changed


def test_a_pull_node_of_files_has_no_template(load, text):
    loaded = load(text, ENVIRON)
    assert isinstance(loaded, LoadedWorkflow)
    connection = loaded.workflow.connections["orders"]
    assert isinstance(connection, FilesConnection)
    assert connection.folder == "/srv/orders"
    assert (connection.delimiter, connection.encoding, connection.header) == (";", "utf-8", True)
    assert loaded.queries == {}


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("query: headers-*.csv", "query: headers-*.xlsx",
         "nodes.0.query: 'headers-*.xlsx' names no format; it must end with .csv, .csv.gz, .tsv"),
        ("query: headers-*.csv", "query: ../headers.csv",
         "nodes.0.query: '../headers.csv' does not lie under the connection's folder"),
        ("query: headers-*.csv", "query: order_list/headers.sql.j2", "names no format"),
        ("query: headers-*.csv", "query: h.csv\n    parameters: {company: US01}",
         "nodes.0.parameters: means nothing where the connection is a folder of files; remove it"),
        ("query: headers-*.csv", "query: h.csv\n    resume: n", "nodes.0.resume: means nothing"),
        ("folder: ${ORDERS_FOLDER}", "folder: orders",
         "connections.orders.folder: is no absolute path; begin it with /"),
        ("delimiter: ';'", "encoding: utf9", "there is no encoding 'utf9'; for example utf-8"),
        ("delimiter: ';'", "delimiter: '\"'", "delimiter: cannot part values"),
        ("delimiter: ';'", "delimiter: ';;'", "connections.orders.delimiter: "),
        ("delimiter: ';'", "delimeter: ';'", "did you mean 'delimiter'?"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(problems, text, right, wrong, says):
    assert right in text
    (problem,) = problems(text.replace(right, wrong, 1), ENVIRON)
    assert says in problem


def test_a_push_cannot_use_files(problems, text):
    (problem,) = problems(text.replace("connection: monday", "connection: orders"), ENVIRON)
    assert "'orders' is a files connection, but monday_push needs a monday one" in problem


def test_a_pull_cannot_use_monday(problems, text):
    found = problems(text.replace("connection: orders", "connection: monday", 1), ENVIRON)
    assert any("'monday' is a monday connection, but pull needs a sql or files one" in one
               for one in found)  # fmt: skip
