"""SQL Server without any: the driver's Arrow types, its errors, and its connection string."""

from datetime import UTC, datetime
from decimal import Decimal

import mssql_python
import pyarrow as pa
import pytest
from mssql_python.exceptions import sqlstate_to_exception
from server_cases import failing
from sqlalchemy import make_url

from syncflow_dagster.nodes.pull import sqlserver
from syncflow_dagster.nodes.pull.columns import ColumnError
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.sqlserver import SqlServerSource

URL = "mssql://me:hunter2@db/orders"
ARROW = [
    (pa.array([255, None], pa.uint8()), pa.int64(), [255, None]),
    (pa.array([-5, None], pa.int16()), pa.int64(), [-5, None]),
    (pa.array([0.5, None], pa.float32()), pa.float64(), [0.5, None]),
    (pa.array(["ab  ", None], pa.large_string()), pa.string(), ["ab  ", None]),
    (pa.array([b"\0", None], pa.large_binary()), pa.binary(), [b"\0", None]),
    (pa.array([12_345_678_900, None], pa.time64("ns")), pa.string(), ["00:00:12.345678", None]),
    (pa.array([0, None], pa.timestamp("us", "+00:00")), pa.timestamp("us", "UTC"),
     [datetime(1970, 1, 1, tzinfo=UTC), None]),
    (pa.array([Decimal("1.10"), None], pa.decimal128(19, 4)), pa.decimal128(19, 4),
     [Decimal("1.1"), None]),
    (pa.array([True, None]), pa.bool_(), [True, None]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "values"), ARROW)
def test_the_drivers_arrow_types_become_those_of_all_sources(given, kind, values):
    found = sqlserver.conform(pa.RecordBatch.from_arrays([given], ["x"]))
    assert found.schema == pa.schema({"x": kind})
    assert found.column(0).to_pylist() == values


def test_an_arrow_type_nobody_knows_is_refused():
    with pytest.raises(ColumnError, match="which no field can hold; leave it out"):
        sqlserver.conform(pa.RecordBatch.from_arrays([pa.array([[1]])], ["x"]))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("08S01", SourceUnavailableError),
        ("40001", SourceUnavailableError),
        ("HYT00", SourceUnavailableError),
        ("42S02", QueryFailedError),
        ("42000", QueryFailedError),
        ("22012", QueryFailedError),
    ],
)
def test_errors_are_told_apart_by_what_to_do_next(state, expected):
    error = sqlstate_to_exception(state, "[Microsoft][ODBC Driver 18 for SQL Server]its words")
    with pytest.raises(expected, match=r"mssql database db/orders .*its words"):
        list(failing(SqlServerSource, URL, reading=error).read(Query("select 1"), 10))


def test_a_driver_without_its_libraries_says_what_to_install(monkeypatch):
    def connect(*_, **__):
        raise mssql_python.OperationalError(
            "Connection operation failed", "Failed to load the driver"
        )

    monkeypatch.setattr(mssql_python, "connect", connect)
    with pytest.raises(QueryFailedError, match="apt-get install libltdl7"):
        list(SqlServerSource(make_url(URL)).read(Query("select 1"), 10))


def test_a_password_may_hold_what_a_connection_string_is_made_of():
    url = make_url("mssql://me@h/d?TrustServerCertificate=yes&driver=ODBC+Driver+18").set(
        password="a;b}c{d=e"
    )
    assert SqlServerSource(url)._connection_string() == (
        "Server={tcp:h,1433};Database={d};UID={me};PWD={a;b}}c{d=e};TrustServerCertificate={yes}"
    )
