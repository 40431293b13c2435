"""Sources by type of connection: a new kind of source is one entry here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from syncflow_dagster.nodes.pull.files import FileRows
from syncflow_dagster.nodes.pull.mysql import MySqlSource
from syncflow_dagster.nodes.pull.oracle import OracleSource
from syncflow_dagster.nodes.pull.postgres import PostgresSource
from syncflow_dagster.nodes.pull.source import SqlSource, normal_url
from syncflow_dagster.nodes.pull.sqlserver import SqlServerSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL

    from syncflow_dagster.nodes.pull.ports import Source
    from syncflow_dagster.nodes.pull.servers import ServerSource
    from syncflow_dagster.workflows.models import FilesConnection, SqlConnection

#: Sources by the kind of database a URL names, whatever driver stands behind its `+`.
_SERVERS: Mapping[str, type[ServerSource]] = {
    "postgresql": PostgresSource,
    "oracle": OracleSource,
    "mssql": SqlServerSource,
    "mysql": MySqlSource,
    "mariadb": MySqlSource,
}
#: Drivers that a plain installation does not have: their module, and what is installed for it.
_EXTRAS: Mapping[str, tuple[str, str]] = {"mssql": ("mssql_python", "syncflow-dagster[sqlserver]")}


def open_source(connection: SqlConnection) -> Source:
    """Return the source a connection names; nothing is connected to before the first read.

    Raises:
        ValueError: The connection's URL cannot be used; the text does not show it.
    """
    url = connection.url.get_secret_value()
    problem = bad_url(url)
    if problem:
        msg = f"the URL of the connection {problem}"
        raise ValueError(msg)
    parsed = normal_url(url)
    server = _SERVERS.get(parsed.get_backend_name())
    return SqlSource(url) if server is None else server(parsed)


def open_files(connection: FilesConnection, pattern: str, batch_rows: int) -> FileRows:
    """Return the rows of files; nothing is looked for before the first read.

    Args:
        connection: The folder, and how its files are written.
        pattern: Which files, relative to the folder, such as `orders-*.csv`.
        batch_rows: Most rows held at once, at least 1.

    Raises:
        ValueError: The pattern leaves the folder, or names no kind of file that can be read.
    """
    return FileRows(connection, pattern, batch_rows)


def database_of(url: str) -> str | None:
    """Return the kind of database a URL names, as SQLAlchemy calls it; None if it names none."""
    try:
        return normal_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        return None


def bad_url(url: str) -> str | None:
    """Say what is wrong with a database URL, without showing it; None if it can be used."""
    try:
        parsed = normal_url(url)
    except ArgumentError:
        return "is no database URL"
    except ValueError:
        return "is no database URL: its port is no number"
    server = _SERVERS.get(parsed.get_backend_name())
    return _other_trouble(parsed) if server is None else _server_trouble(parsed, server)


def _server_trouble(url: URL, server: type[ServerSource]) -> str | None:
    module, package = _EXTRAS.get(url.get_backend_name(), (None, None))
    if module and find_spec(module) is None:
        return f"needs a database driver that is not installed: pip install '{package}'"
    try:
        source = server(url)
    except ValueError as error:
        return str(error)
    return None if source.database else "names no database"


def _other_trouble(url: URL) -> str | None:
    """Look at the URL of a database SQLAlchemy reads."""
    try:
        url.get_dialect().import_dbapi()
    except NoSuchModuleError:
        return "names a kind of database SQLAlchemy does not know"
    except ImportError as error:
        return f"needs a database driver that is not installed: {error.name}"
    if url.get_backend_name() != "sqlite" and not url.database:
        return "names no database"
    return None
