"""Opening Dagster's instance for a command, on the database the command works with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncflow_dagster.commands.store import command_store
from syncflow_dagster.supervisor.instance import open_instance, prepare_dagster_home
from syncflow_dagster.supervisor.reaper import begun_here, reap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster import DagsterInstance


@contextmanager
def command_instance(home: Path) -> Iterator[DagsterInstance]:
    """Open the instance of a home folder, whose runs Dagster's UI shows.

    Raises:
        CommandFailed: The database is not there.
    """
    with command_store(home) as database:
        environment = prepare_dagster_home(home, database)
        environment |= {"SYNCFLOW_DATABASE_URL": database.url, "SYNCFLOW_HOME": str(home)}
        with open_instance(environment) as instance:
            # A run whose command was killed would keep the schedule and the sensor waiting.
            reap(instance, begun_here)
            yield instance
