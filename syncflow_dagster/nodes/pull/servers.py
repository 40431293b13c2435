"""What the sources with a driver of their own share: errors, secrets, the life of a connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.pull.columns import ColumnError
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa
    from sqlalchemy import URL

    from syncflow_dagster.nodes.pull.ports import BoundValue, Query

CONNECT_TIMEOUT_S = 10
_SHORTEST_MASKED = 3  # shorter values would be "found" inside ordinary words


class ServerSource(ABC):
    """A database server rows are read from; it is never written to.

    Each read opens a connection of its own and closes it, also when the reader stops half-way.

    Args:
        url: Host, account, database and options; the driver it names does not matter.

    Raises:
        ValueError: There is no host, or an option is none of the source's; the text shows no
            value.

    Attributes:
        needs_host: Whether the driver finds no server by itself.
    """

    needs_host = False

    def __init__(self, url: URL) -> None:
        self._url = url
        if self.needs_host and not url.host:
            msg = "names no server"
            raise ValueError(msg)
        unknown = sorted(name for name in url.query if name.lower() not in self.options())
        if unknown:
            known = ", ".join(sorted(self.options()))
            msg = f"has options that mean nothing here: {', '.join(unknown)}; it may have {known}"
            raise ValueError(msg)

    @classmethod
    @abstractmethod
    def options(cls) -> frozenset[str]:
        """Return what may stand behind the `?` of the URL, in lower case."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions the driver raises, of its own and of others."""

    @abstractmethod
    def _passing(self, error: Exception) -> bool:
        """Say whether the same query may succeed later."""

    @abstractmethod
    def _connect(self) -> Any:
        """Open a connection that only reads, its session's time zone UTC."""

    @abstractmethod
    def _close(self, connection: Any) -> None:
        """Give up a connection, whatever it is doing."""

    @abstractmethod
    def _batches(self, connection: Any, query: Query, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run a query; ColumnError where its result cannot be used."""

    def _words(self, error: Exception, query: Query) -> str:
        """Return what the driver says."""
        del query
        return str(error)

    @property
    def name(self) -> str:
        """The database as messages name it: without user and password."""
        return f"{self._url.get_backend_name()} database {self._url.host}/{self.database}"

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._url.database or ""

    def read(self, query: Query, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Read the rows of a query; see `Source.read`."""
        if batch_rows < 1:
            msg = f"batch_rows must be at least 1, not {batch_rows}"
            raise ValueError(msg)
        connection = self._connected(query)
        try:
            with self._explained(query):
                yield from self._batches(connection, query, batch_rows)
        finally:
            self._close(connection)

    def _connected(self, query: Query) -> Any:
        try:
            return self._connect()
        except self._errors() as error:
            msg = f"{self.name} cannot be reached: {self._message(error, query)}"
            raise SourceUnavailableError(msg) from None

    @contextmanager
    def _explained(self, query: Query) -> Iterator[None]:
        # Without the cause: a driver's own text, which logs would show, may hold values.
        where = f" ({query.path})" if query.path is not None else ""
        try:
            yield
        except ColumnError as error:
            msg = f"the result of the query{where} cannot be used: {error}"
            raise QueryFailedError(msg) from None
        except self._errors() as error:
            words = self._message(error, query)
            if self._passing(error):
                msg = f"{self.name} broke off{where}: {words}"
                raise SourceUnavailableError(msg) from None
            msg = f"{self.name} refuses the query{where}: {words}"
            raise QueryFailedError(msg) from None

    def _message(self, error: Exception, query: Query) -> str:
        """Return the driver's words without the secrets of the URL and the values of the query."""
        secret = [value for name, value in self._url.query.items() if "password" in name]
        values = [str(value) for value in query.parameters.values() if value is not None]
        hidden = [self._url.password, *secret, *(v for v in values if len(v) >= _SHORTEST_MASKED)]
        words = " ".join(self._words(error, query).split())
        for value in sorted(map(str, filter(None, hidden)), key=len, reverse=True):
            words = words.replace(value, "***")
        return words


def in_utc(parameters: Mapping[str, BoundValue]) -> dict[str, BoundValue]:
    """Return values with every instant as the wall clock of UTC, for drivers that drop zones."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, datetime) and value.tzinfo is not None
        else value
        for name, value in parameters.items()
    }
