"""JSON of REST and CSV of Bulk give the same rows, types included."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceError
from syncflow_dagster.nodes.salesforce.columns import (
    Column,
    check_bulk,
    from_records,
    in_batches,
    schema_of,
)
from syncflow_dagster.nodes.salesforce.csv_pages import read_page

COLUMNS = (
    Column("Id", "id"),
    Column("LastName", "string"),
    Column("IsDeleted", "boolean"),
    Column("NumberOfEmployees", "int"),
    Column("Amount", "currency"),
    Column("Birthdate", "date"),
    Column("SystemModstamp", "datetime"),
    Column("Opens", "time"),
    Column("Tags__c", "multipicklist"),
    Column("Account.Name", "string"),
    Column("Account.Owner.IsActive", "boolean"),
)
MOMENT = datetime(2023, 10, 22, 6, 25, 12, tzinfo=UTC)
# Lines as Bulk writes them: every cell in quotes, doubles as Java has them.
CELLS = [
    ["003A", "NA", "true", "5", "39000.0", "2020-02-29", "2023-10-22T06:25:12.000Z",
     "17:23:09.000Z", "A;B", "O'Neil \"x\"\nLtd", "true"],
    ["003B", "null", "false", "", "3.5E7", "", "", "", "", "", ""],
    ["003C", "e\u2028x\0y \U0001f600, é", "false", "-1", "-0.5", "0001-01-01",
     "1700-01-01T00:00:00.000Z", "", "C", "NaN", "false"],
    ["003D", "", "false", "7", "", "9999-12-31", "2023-10-22T06:25:12.000Z", "", "", "a\r\nb", ""],
]  # fmt: skip
_OWNER = {"attributes": {"type": "User"}}
RECORDS = [
    {"attributes": {}, "Id": "003A", "LastName": "NA", "IsDeleted": True, "NumberOfEmployees": 5.0,
     "Amount": 39000, "Birthdate": "2020-02-29", "SystemModstamp": "2023-10-22T06:25:12.000+0000",
     "Opens": "17:23:09.000Z", "Tags__c": "A;B",
     "Account": {"Name": "O'Neil \"x\"\nLtd", "Owner": {**_OWNER, "IsActive": True}}},
    {"attributes": {}, "Id": "003B", "LastName": "null", "IsDeleted": False,
     "NumberOfEmployees": None, "Amount": 35000000.0, "Birthdate": None, "SystemModstamp": None,
     "Opens": None, "Tags__c": None, "Account": None},
    {"attributes": {}, "Id": "003C", "LastName": "e\u2028x\0y \U0001f600, é", "IsDeleted": False,
     "NumberOfEmployees": -1, "Amount": -0.5, "Birthdate": "0001-01-01",
     "SystemModstamp": "1700-01-01T00:00:00.000+0000", "Opens": None, "Tags__c": "C",
     "Account": {"Name": "NaN", "Owner": {**_OWNER, "IsActive": False}}},
    {"attributes": {}, "Id": "003D", "LastName": "", "IsDeleted": False, "NumberOfEmployees": 7,
     "Amount": None, "Birthdate": "9999-12-31", "SystemModstamp": "2023-10-22T07:25:12.000+0100",
     "Opens": None, "Tags__c": None, "Account": {"Name": "a\r\nb", "Owner": None}},
]  # fmt: skip


def page(header, rows, *, pack=True):
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    content = text.getvalue().encode()
    return gzip.compress(content) if pack else content


def names(columns=COLUMNS):
    return [column.name for column in columns]


def test_rest_and_bulk_give_the_same_rows_of_the_same_types():
    rest = pa.Table.from_batches([from_records(RECORDS, COLUMNS)])
    for packed in (True, False):
        bulk = read_page(page(names(), CELLS, pack=packed), "gzip" * packed, COLUMNS)
        assert bulk.schema == rest.schema == schema_of(COLUMNS)
        assert bulk.to_pylist() == rest.to_pylist()
    first, second, third, fourth = rest.to_pylist()
    assert first["SystemModstamp"] == fourth["SystemModstamp"] == MOMENT
    assert first["Birthdate"] == date(2020, 2, 29)
    assert first["LastName"] == "NA"
    assert second["LastName"] == "null"
    assert second["Account.Name"] is second["Account.Owner.IsActive"] is None
    assert third["LastName"].encode() == "e\u2028x\0y \U0001f600, é".encode()
    assert fourth["LastName"] is None
    types = [str(kind) for kind in rest.schema.types]
    assert types[2:7] == ["bool", "int64", "double", "date32[day]", "timestamp[us, tz=UTC]"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
rows = st.lists(
    st.tuples(
        texts,
        st.none() | st.booleans(),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(4000, 12, 31)),  # noqa: DTZ001
    ),
    max_size=8,
)


@given(rows)
def test_any_text_number_and_moment_is_the_same_both_ways(given):
    columns = (
        Column("T", "string"), Column("B", "boolean"), Column("N", "double"),
        Column("M", "datetime"),
    )  # fmt: skip
    records = [
        {"T": t or None, "B": b, "N": n, "M": m and f"{m:%Y-%m-%dT%H:%M:%S}.000+0000"}
        for t, b, n, m in given
    ]
    cells = [
        [t, "" if b is None else str(b).lower(), "" if n is None else repr(n),
         "" if m is None else f"{m:%Y-%m-%dT%H:%M:%S}.000Z"]
        for t, b, n, m in given
    ]  # fmt: skip
    rest = from_records(records, columns)
    bulk = read_page(page(names(columns), cells), "gzip", columns)
    assert bulk.schema == rest.schema
    assert bulk.to_pylist() == rest.to_pylist()


def test_a_column_alone_keeps_its_empty_lines_and_its_place_is_found_by_name():
    only = (Column("Name", "string"),)
    assert read_page(b'"Name"\n"a"\n\n""\n"b"\n', "", only).column(0).to_pylist() == [
        "a", None, None, "b",
    ]  # fmt: skip
    swapped = (Column("Amount", "double"), Column("Id", "id"))
    found = read_page(page(["ID", "Other", "amount"], [["1", "x", "2"]]), "gzip", swapped)
    assert found.to_pylist() == [{"Amount": 2.0, "Id": "1"}]
    long = page(["Id", "Amount"], [["x" * 1_500_000, "2"], ["y", "3"]])
    assert read_page(long, "gzip", swapped)["Amount"].to_pylist() == [2.0, 3.0]
    for nothing in (b"", b"\n", gzip.compress(b"")):
        empty = read_page(nothing, "gzip" if nothing[:1] == b"\x1f" else "", swapped)
        assert (empty.num_rows, empty.schema) == (0, schema_of(swapped))


def test_long_numbers_keep_their_last_digit_also_beside_those_with_a_fraction():
    columns = (Column("Long", "long"), Column("Count", "int"))
    most = 2**63 - 1
    cells = [[str(2**53 + 1), "5.0"], [f"{most}.00", "-7"], ["-9007199254740993", ""]]
    found = read_page(page(["Long", "Count"], cells), "gzip", columns).to_pydict()
    assert found == {"Long": [2**53 + 1, most, -(2**53) - 1], "Count": [5, -7, None]}
    with pytest.raises(QueryFailedError, match="field Count is a int"):
        read_page(page(["Long", "Count"], [["1", "5.5"]]), "gzip", columns)


def test_half_an_emoji_is_a_question_mark_and_odd_values_of_text_fields_are_their_text():
    given = [{"T": "cut \ud83d"}, {"T": True}, {"T": {"a": 1}}, {"T": 5}]
    found = from_records(given, (Column("T", "anyType"),)).column(0).to_pylist()
    assert found == ["cut ?", "true", '{"a": 1}', "5"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int", 5.5), ("double", "x"), ("boolean", "yes"), ("date", "soon"), ("datetime", "x")],
)
def test_what_does_not_fit_its_type_is_an_error_that_names_the_field_and_shows_no_value(
    kind, value
):
    columns = (Column("Id", "id"), Column("Secret__c", kind))
    for read in (
        lambda: from_records([{"Id": "1", "Secret__c": value}], columns),
        lambda: read_page(page(["Id", "Secret__c"], [["1", value]]), "gzip", columns),
    ):
        with pytest.raises(QueryFailedError, match=f"Secret__c is a {kind}") as error:
            read()
        assert str(value) not in str(error.value).replace("something", "").replace("Secret", "")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: from_records([{"Id": "1"}], COLUMNS[:2]), "without the field LastName"),
        (lambda: from_records([{"Account": "x"}], COLUMNS[9:10]), "without the field Account.Name"),
        (lambda: read_page(b'"Id"\n"1"\n', "", COLUMNS[:2]), "without the column LastName"),
        (lambda: read_page(b'"Id"\n"\xff"\n', "", COLUMNS[:1]), "no CSV in UTF-8"),
        (lambda: read_page(b'"Id","LastName"\n"1"\n', "", COLUMNS[:2]), "no CSV in UTF-8"),
        (lambda: read_page(b"PK-no-gzip", "gzip", COLUMNS[:1]), "cannot be unpacked"),
        (lambda: read_page(page(["Id"], [[str(n)] for n in range(9999)])[:-99], "gzip",
                           COLUMNS[:1]), "was cut off"),
        (lambda: check_bulk((Column("Body", "base64"),)), "Body: a file; use api: rest"),
    ],
)  # fmt: skip
def test_answers_that_are_none_are_refused_and_no_column_is_lost_silently(read, words):
    with pytest.raises(SourceError, match=words):
        read()


def test_there_is_always_a_batch():
    columns = COLUMNS[:1]
    batch = from_records([{"Id": str(n)} for n in range(5)], columns)
    assert [b.num_rows for b in in_batches([batch, batch], 4, columns)] == [4, 4, 2]
    assert [b.num_rows for b in in_batches([], 4, columns)] == [0]
