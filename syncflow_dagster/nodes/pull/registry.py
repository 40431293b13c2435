"""Sources by type of connection: a new kind of source is one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from syncflow_dagster.nodes.pull.postgres import PostgresSource
from syncflow_dagster.nodes.pull.source import SqlSource, normal_url

if TYPE_CHECKING:
    from syncflow_dagster.nodes.pull.ports import Source
    from syncflow_dagster.workflows.models import SqlConnection


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
    if parsed.get_backend_name() == "postgresql":
        return PostgresSource(parsed)
    return SqlSource(url)


def bad_url(url: str) -> str | None:
    """Say what is wrong with a database URL, without showing it; None if it can be used."""
    try:
        parsed = normal_url(url)
        parsed.get_dialect().import_dbapi()
    except NoSuchModuleError:
        return "names a kind of database SQLAlchemy does not know"
    except ArgumentError:
        return "is no database URL"
    except ImportError as error:
        return f"needs a database driver that is not installed: {error.name}"
    except ValueError:
        return "is no database URL: its port is no number"
    if parsed.get_backend_name() != "sqlite" and not parsed.database:
        return "names no database"
    return None
