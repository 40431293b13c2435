"""Opening SyncFlow's database for a command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.store.database import DatabaseUnavailable
from syncflow_dagster.store.embedded import EmbeddedServerError, StoreError, open_store
from syncflow_dagster.store.location import LocationError
from syncflow_dagster.store.migrate import MigrationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.store.database import Database

_NO_DATABASE = (
    DatabaseUnavailable,
    EmbeddedServerError,
    LocationError,
    MigrationError,
    StoreError,
)


@contextmanager
def command_store(home: Path) -> Iterator[Database]:
    """Open the database of a home folder, or the one the environment names.

    Raises:
        CommandFailed: It is not there, or goes away.
    """
    try:
        with open_store(home) as database:
            yield database
    except _NO_DATABASE as error:
        raise CommandFailed(one_line(error)) from error


def one_line(error: Exception) -> str:
    """Return an error's text as one line."""
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
