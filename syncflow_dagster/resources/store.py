"""The database of SyncFlow's own tables, as a Dagster resource."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.embedded import open_store
from syncflow_dagster.store.migrate import migrate

VARIABLE = "SYNCFLOW_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Store:
    """An open database and its clock."""

    database: Database
    clock: DatabaseClock


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where delta tables, the ledger and the budgets are."""

    database_url: str = Field(
        "",
        description="PostgreSQL 15 or newer, `postgresql://user:secret@host/name`. Empty: the "
        "embedded server in `SYNCFLOW_HOME`.",
    )

    @contextmanager
    def open(self) -> Iterator[Store]:
        """Open the database, brought to the code's version, for as long as the context lasts.

        Raises:
            DatabaseUnavailable: the server does not answer.
            MigrationError: the schema cannot be brought up to date.
        """
        if not self.database_url:
            with open_store() as database:
                yield Store(database, DatabaseClock(database))
            return
        with Database(self.database_url, max_size=4) as database:
            migrate(database)
            yield Store(database, DatabaseClock(database))


def store_resource() -> StoreResource:
    """Return the store the environment names; the UI shows the variable, never its value."""
    if os.environ.get(VARIABLE):
        return StoreResource(database_url=dg.EnvVar(VARIABLE))
    return StoreResource(database_url="")
