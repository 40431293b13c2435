"""What the supervisor does beside watching processes: dead runs, old rows, limits, the server."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from syncflow_dagster.resources import retention
from syncflow_dagster.resources.dagster_tables import UnknownTablesError
from syncflow_dagster.store.embedded import EmbeddedPostgres, EmbeddedServerError
from syncflow_dagster.supervisor import pools, reaper

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterInstance

_LOG = logging.getLogger(__name__)

_SERVER_EVERY = 5.0  # seconds
_REAP_EVERY = 60.0
_DELETE_EVERY = 3600.0
# So long the services are not watched; what is left is deleted a little later.
_DELETE_FOR = 20.0
_DELETE_AGAIN_AFTER = 60.0


class Housekeeper:
    """Does what is due, and reports trouble without falling over it.

    Args:
        instance: Dagster's instance; leaving closes it.
        server: The embedded server to keep up, or None.
        sockets: The folder of our code servers' sockets.
        should_stop: Ends long work early.
        clock: Seconds, monotonic.

    Raises:
        syncflow_dagster.supervisor.pools.PoolLimitError: See there.
        syncflow_dagster.resources.retention.RetentionError: See there.
    """

    def __init__(
        self,
        instance: DagsterInstance,
        server: EmbeddedPostgres | None,
        sockets: str,
        should_stop: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance = instance
        self._server = server
        self._is_ours = reaper.on_this_machine(sockets, single_host=server is not None)
        self._should_stop = should_stop
        self._clock = clock
        self._limits = pools.limits_from_environment()
        self._keep_days = retention.days_from_environment()
        # What is old waits one period: the start is busy enough.
        self._due = {self._reap: 0.0, self._delete: clock() + _DELETE_EVERY}
        self._every = {self._reap: _REAP_EVERY, self._delete: _DELETE_EVERY}
        if server is not None:
            self._due[self._keep_server] = clock() + _SERVER_EVERY
            self._every[self._keep_server] = _SERVER_EVERY

    def begin(self) -> None:
        """Do what has to be done before Dagster's services run: limits and dead runs."""
        pools.apply_limits(self._instance, self._limits)
        self.tick()

    def tick(self) -> None:
        """Do what is due."""
        import psycopg
        from dagster_postgres.utils import DagsterPostgresException
        from sqlalchemy.exc import SQLAlchemyError

        for task, due in list(self._due.items()):
            now = self._clock()
            if now < due:
                continue
            self._due[task] = now + self._every[task]
            try:
                task()
            except (
                SQLAlchemyError,
                DagsterPostgresException,
                psycopg.Error,
                EmbeddedServerError,
                UnknownTablesError,
            ) as error:
                # The next round tries again; the services are kept up meanwhile.
                _LOG.warning("%s failed: %s", task.__name__.strip("_"), error)

    def __enter__(self) -> Self:
        """Return itself; leaving closes the instance."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the instance."""
        self._instance.dispose()

    def _reap(self) -> None:
        reaper.reap(self._instance, self._is_ours)

    def _delete(self) -> None:
        if self._keep_days is None:
            return
        ends = self._clock() + _DELETE_FOR

        def should_stop() -> bool:
            return self._should_stop() or self._clock() > ends

        tidied = retention.tidy(
            self._instance, self._keep_days, datetime.now(UTC), should_stop=should_stop
        )
        if any(tidied.rows.values()):
            _LOG.info("%s", tidied.in_words())
        if should_stop():
            self._due[self._delete] = self._clock() + _DELETE_AGAIN_AFTER

    def _keep_server(self) -> None:
        if self._server is not None:
            self._server.ensure_running()
