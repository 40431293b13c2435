"""Which source reads a connection, and which URLs are refused before anything is connected to."""

import pytest

from syncflow_dagster.nodes.pull import registry
from syncflow_dagster.nodes.pull.files import FileRows
from syncflow_dagster.nodes.pull.mysql import MySqlSource
from syncflow_dagster.nodes.pull.oracle import OracleSource
from syncflow_dagster.nodes.pull.postgres import PostgresSource
from syncflow_dagster.nodes.pull.source import SqlSource
from syncflow_dagster.nodes.pull.sqlserver import SqlServerSource
from syncflow_dagster.workflows.models import FilesConnection, SqlConnection


@pytest.mark.parametrize(
    ("url", "source", "name"),
    [
        ("postgresql+psycopg2://u:pw@h/d", PostgresSource, "postgresql database h/d"),
        ("postgres:///d", PostgresSource, "postgresql database d"),
        ("oracle+oracledb://u:pw@h:1521/?service_name=S", OracleSource, "oracle database h/S"),
        ("oracle://u:pw@h/SID", OracleSource, "oracle database h/SID"),
        ("mssql+pyodbc://u:pw@h/d?driver=ODBC+Driver+18+for+SQL+Server&Encrypt=no",
         SqlServerSource, "mssql database h/d"),
        ("mysql+pymysql://u:pw@h/d?charset=utf8mb4", MySqlSource, "mysql database h/d"),
        ("mariadb://u:pw@h/d", MySqlSource, "mariadb database h/d"),
        ("sqlite:////tmp/d.db", SqlSource, "sqlite database /tmp/d.db"),
    ],
)  # fmt: skip
def test_the_kind_of_database_chooses_the_source(url, source, name):
    opened = registry.open_source(SqlConnection(type="sql", url=url))
    assert type(opened) is source
    assert opened.name == name


@pytest.mark.parametrize(
    ("url", "fragment"),
    [
        ("not a url", "is no database URL"),
        ("nodb://u:hunter2@h/d", "does not know"),
        ("postgresql://u:hunter2@h", "names no database"),
        ("postgresql://u:hunter2@h:port/d", "no database URL: its port is no number"),
        ("mysql://u:hunter2@h", "names no database"),
        ("mysql://u:hunter2@h/d?ssl=true", "options that mean nothing here: ssl; it may have"),
        ("oracle://u:hunter2@h", "names no database"),
        ("oracle://u:hunter2@/?service_name=x", "names no server"),
        ("oracle://u:hunter2@h/x?wallet_pasword=hunter2", "mean nothing here: wallet_pasword"),
        ("mssql://u:hunter2@h", "names no database"),
        ("mssql://u:hunter2@/d", "names no server"),
        ("mssql://u:hunter2@h/d?PWD=hunter2", "mean nothing here: PWD"),
    ],
)
def test_bad_urls_are_refused_without_showing_them(url, fragment):
    with pytest.raises(ValueError, match=fragment) as caught:
        registry.open_source(SqlConnection(type="sql", url=url))
    assert "hunter2" not in str(caught.value)


def test_a_driver_that_is_an_extra_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda module: None)
    problem = registry.bad_url("mssql://u:pw@h/d")
    assert problem is not None
    assert problem.endswith("not installed: pip install 'syncflow-dagster[sqlserver]'")
    assert registry.bad_url("oracle://u:pw@h/d") is None  # comes with every installation


def test_files_are_opened_by_their_pattern(tmp_path):
    connection = FilesConnection(type="files", folder=str(tmp_path))
    assert isinstance(registry.open_files(connection, "*.csv", 10), FileRows)
    with pytest.raises(ValueError, match=r"'\*\.txt' names no format"):
        registry.open_files(connection, "*.txt", 10)
