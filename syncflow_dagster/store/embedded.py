"""The embedded PostgreSQL server: a real one, started when needed, gone when nobody needs it.

Processes share the server of one home folder. The first starts it, through a guardian
(:mod:`syncflow_dagster.store.guardian`); others attach; the last to leave, by :meth:`stop` or by
dying, takes it down. Nothing has to be cleaned up after a ``kill -9`` of any of them.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from syncflow_dagster.store.database import Database, DatabaseUnavailable, redact
from syncflow_dagster.store.guardian import end_server, postmaster, take_lock
from syncflow_dagster.store.launch import (
    PORT,
    LaunchError,
    create_data,
    end_of_log,
    guardian_lock,
    start_guardian,
    users_lock,
)
from syncflow_dagster.store.location import Location, create_home, default_home, locate
from syncflow_dagster.store.migrate import migrate as apply_migrations

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

DATABASE = "syncflow"
OLDEST_SERVER = 15

_START_WITHIN = 60.0  # seconds
_STOP_WITHIN = 45.0
_TURN_WITHIN = 180.0
_POLL = 0.05


class StoreError(RuntimeError):
    """The database named by SYNCFLOW_DATABASE_URL cannot be used; the text says what to do."""


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be used; the text says why and what to do."""


class EmbeddedPostgres:
    """The PostgreSQL server of one home folder.

    Args:
        home: SyncFlow's home folder; the server's files are in its ``postgres``.
        settings: Server settings beside our own, for example ``{"fsync": "off"}`` in tests. They
            take effect only in the process that starts the server.

    Attributes:
        attached: Whether another process had started the server that is in use here.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.absolute()
        self.attached = False
        self._settings = dict(settings or {})
        self._location: Location | None = None
        self._users: IO[bytes] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server or attach to the one that runs, and count as its user from here on.

        Returns:
            The URL of the database ``syncflow``.

        Raises:
            EmbeddedServerError: It does not start; the text ends with the end of its log.
            syncflow_dagster.store.location.LocationError: Its files have no place that works.
        """
        if self._users is None:
            create_home(self.home)
            with self._turn():
                self._location = locate(self.home)
                self._users = self._register(self._location)
                try:
                    self.attached = self._bring_up(self._location)
                except BaseException:
                    self._release()
                    raise
        return self.ensure_database(DATABASE)

    def stop(self) -> None:
        """Leave the server; the last of its users waits until it has shut down."""
        if self._users is None or self._location is None:
            return
        location = self._location
        self._release()
        deadline = time.monotonic() + _STOP_WITHIN
        while self._is_guarded(location):
            if self._has_users(location):
                return
            if time.monotonic() > deadline:
                msg = f"the embedded server in {location.folder} does not shut down"
                raise EmbeddedServerError(msg)
            time.sleep(_POLL)
        if self._guardian is not None:
            self._guardian.wait(timeout=_STOP_WITHIN)
        if postmaster(location.data) is not None:  # its guardian was killed
            with self._turn():
                if not self._is_guarded(location) and not self._has_users(location):
                    end_server(location.data)

    def ensure_running(self) -> None:
        """Bring the server back after its guardian was killed. Cheap while all is well.

        A killed server needs no help: its guardian restarts it.

        Raises:
            EmbeddedServerError: It does not start, or :meth:`start` was not called.
        """
        location = self._started()
        if not self._is_guarded(location):
            with self._turn():
                self._bring_up(location)

    def restart_immediately(self) -> None:
        """Make the server crash (immediate shutdown) and wait until its guardian has it back.

        For fault tests: clients are cut off, open transactions are lost, committed ones are not.
        """
        location = self._started()
        process = postmaster(location.data)
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=_STOP_WITHIN)
        if not self._await_answer(location):
            raise _not_started(location)

    @property
    def pid(self) -> int | None:
        """The server's process id, or None while there is none."""
        process = postmaster(self._started().data)
        return None if process is None else process.pid

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database of this server."""
        socket = quote(str(self._started().socket), safe="/")
        return f"postgresql://postgres@/{quote(database)}?host={socket}&port={PORT}"

    def ensure_database(self, name: str) -> str:
        """Create a database unless it is there.

        Returns:
            Its URL.
        """
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            there = conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
            if there is None:
                # Another process may be quicker.
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url(name)

    def __enter__(self) -> Self:
        """Start or attach."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave."""
        self.stop()

    def _started(self) -> Location:
        if self._location is None or self._users is None:
            raise EmbeddedServerError("the embedded server is not in use here: call start() first")
        return self._location

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one process at a time choose folders, create the data and start the server."""
        deadline = time.monotonic() + _TURN_WITHIN
        path = self.home / "postgres.lock"
        while (lock := take_lock(str(path))) is None:
            if time.monotonic() > deadline:
                msg = f"another process has been starting the server for long: see who holds {path}"
                raise EmbeddedServerError(msg)
            time.sleep(_POLL)
        with lock:
            yield

    def _register(self, location: Location) -> IO[bytes]:
        file = users_lock(location).open("ab")
        deadline = time.monotonic() + _STOP_WITHIN
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    file.close()
                    msg = f"the server in {location.folder} has been shutting down for too long"
                    raise EmbeddedServerError(msg) from None
                time.sleep(_POLL)
            else:
                return file

    def _release(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def _bring_up(self, location: Location) -> bool:
        """Start the server unless a guardian has it; return whether one did."""
        if self._is_guarded(location) and self._await_answer(location):
            return True
        # Without its guardian a server is about to end, or nobody would ever end it.
        if not end_server(location.data):
            msg = f"the PostgreSQL of {location.data} does not shut down: {end_of_log(location)}"
            raise EmbeddedServerError(msg)
        if not (location.data / "PG_VERSION").exists():
            try:
                create_data(location)
            except LaunchError as error:
                raise EmbeddedServerError(str(error)) from error
        self._guardian = start_guardian(location, self._settings)
        if not self._await_answer(location, self._guardian):
            raise _not_started(location)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _await_answer(
        self, location: Location, guardian: subprocess.Popen[bytes] | None = None
    ) -> bool:
        """Wait until the server answers; return False when its guardian gave up on it."""
        deadline = time.monotonic() + _START_WITHIN
        while not self._answers():
            if guardian is None:
                gone = not self._is_guarded(location)
            else:
                gone = guardian.poll() is not None
            if gone or time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True

    def _is_guarded(self, location: Location) -> bool:
        if self._guardian is not None:
            self._guardian.poll()  # collects it when it has ended
        lock = take_lock(str(guardian_lock(location)))
        if lock is None:
            return True
        lock.close()
        return False

    @staticmethod
    def _has_users(location: Location) -> bool:
        path = users_lock(location)
        lock = take_lock(str(path))
        if lock is not None:
            lock.close()
            return False
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False  # only the guardian, which is shutting the server down
        return True


@contextmanager
def open_store(
    home: Path | None = None, *, url: str | None = None, migrate: bool = True
) -> Iterator[Database]:
    """Open the database that holds our schema, brought to the code's version.

    Args:
        home: SyncFlow's home, for the embedded server; ``SYNCFLOW_HOME`` or ``.syncflow`` when
            None. Not used when there is a URL.
        url: Any server's database; ``SYNCFLOW_DATABASE_URL`` when None, and the embedded server
            when that is not set either.
        migrate: Apply migrations that are not applied yet.

    Yields:
        The database. Leaving closes it and leaves the embedded server.

    Raises:
        StoreError: The server named by ``SYNCFLOW_DATABASE_URL`` is too old, does not answer, or
            the value is not a URL of PostgreSQL.
        EmbeddedServerError: The embedded server does not start.
        syncflow_dagster.store.migrate.MigrationError: The schema cannot be brought up to date.
    """
    url = url or os.environ.get("SYNCFLOW_DATABASE_URL")
    with ExitStack() as stack:
        if not url:
            server = stack.enter_context(EmbeddedPostgres(home or default_home()))
            url = server.url()
        database = stack.enter_context(_database(url))
        _check_server(database)
        if migrate:
            apply_migrations(database)
        yield database


def _not_started(location: Location) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"the embedded PostgreSQL in {location.folder} did not start. "
        f"The end of {location.log}:\n{end_of_log(location)}"
    )


def _database(url: str) -> Database:
    try:
        return Database(url)
    except ValueError as error:
        msg = f"SYNCFLOW_DATABASE_URL: {error}"
        raise StoreError(msg) from error


def _check_server(database: Database) -> None:
    try:
        with database.connect() as conn:
            version = conn.info.server_version // 10_000
    except DatabaseUnavailable as error:
        raise StoreError(str(error)) from error
    if version < OLDEST_SERVER:
        msg = (
            f"{redact(database.url)} is PostgreSQL {version}; SyncFlow needs {OLDEST_SERVER} or "
            "newer. Upgrade it, or unset SYNCFLOW_DATABASE_URL to use the embedded server"
        )
        raise StoreError(msg)
