"""A Salesforce pull node's rows: its query checked, an API chosen, its changes told apart."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import raw
from syncflow_dagster.core.soql.choice import Choice
from syncflow_dagster.core.soql.literals import text
from syncflow_dagster.core.soql.split import Parts, TooLongError, for_bulk, for_rest
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.salesforce_choice import choose_api
from syncflow_dagster.nodes.pull.salesforce_marks import place_of
from syncflow_dagster.nodes.pull.salesforce_read import ID, ORDER, Read
from syncflow_dagster.nodes.pull.salesforce_window import Window, late_condition, open_window
from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.columns import Column
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.nodes.salesforce.errors import BulkUnsupported
from syncflow_dagster.nodes.salesforce.limits import BULK_QUERY, check_bulk, read_limits
from syncflow_dagster.workflows.models import SalesforceConnection
from syncflow_dagster.workflows.rules.salesforce import STAMPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.core.soql.write import Query
    from syncflow_dagster.nodes.pull.soql import CheckedPull
    from syncflow_dagster.nodes.rows import Mark, Piece, Position
    from syncflow_dagster.nodes.salesforce.quota import Usage
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import SalesforcePullNode

#: As long as any Id.
_SOME_ID = "0" * 18
#: As long as any instant.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Told:
    """What is known of a read once it runs, for people.

    Attributes:
        object: The object that is read.
        choice: The API, and why.
        queries: The SOQL, in its parts.
        window: The time of which changes are read.
        resumed: Whether it went on where another read stopped.
        rows: Rows given so far.
        restarted: Queries made anew because their cursor was gone.
        usage: API requests, once it has ended.
    """

    object: str
    choice: Choice
    queries: tuple[str, ...]
    window: Window
    resumed: bool
    rows: int = 0
    restarted: int = 0
    usage: Usage | None = None


@dataclass
class SalesforceRows:
    """The records of a Salesforce pull node, as a delta reads them; see `nodes.rows.RowSource`.

    Attributes:
        loaded: The workflow the node stands in.
        node: The node.
        connection: The org.
        connect: Makes the client of a read.
        tell: Told now and then what a read waits for.
        told: What is known of the last read; None before one.
    """

    loaded: LoadedWorkflow
    node: SalesforcePullNode
    connection: SalesforceConnection
    connect: Callable[[SalesforceConnection], SalesforceClient] = SalesforceClient
    tell: Callable[[str], None] = lambda _text: None
    told: Told | None = field(default=None, init=False)

    @property
    def fingerprint(self) -> str:
        """A hash of the query and the org it is asked of; no secret."""
        kept = {"object", "fields", "where", "soql", "with_deleted", "connection"}
        parts = [
            self.node.model_dump(mode="json", include=kept),
            self.connection.url,
            self.connection.account,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def selects_changes(self) -> bool:
        """Whether a field that grows with every change is among those that are read."""
        return cursor_of(self._names()) is not None

    def read(self, position: Position) -> Iterator[Piece]:
        """Read the records.

        Args:
            position: Where to begin, and since when changes are wanted.

        Yields:
            A piece for each page that came. Each can be read on behind, unless the query is too
            long and its parts may find the same record.

        Raises:
            PositionLost: It cannot be read on there: what was to be read is gone, or was another.
            SourceUnavailableError: The org does not answer, or a ceiling is reached.
            QueryFailedError: The query does not fit the org, or it refuses it.
        """
        with closing(self.connect(self.connection)) as client:
            try:
                yield from self._read(client, position)
            finally:
                if self.told is not None:
                    self.told.usage = client.usage

    def _read(self, client: SalesforceClient, position: Position) -> Iterator[Piece]:
        checked = self._checked(client)
        query, names = checked.query, checked.query.fields
        columns = [Column(one.text, one.field.type) for one in checked.columns]
        if ID not in names:
            query = replace(query, fields=(*names, ID))
            columns.append(Column(ID, "id"))
        place = None if position.after is None else place_of(position.after)
        cursor = cursor_of(names)
        window = place.window if place else _window(client, query.owner, cursor, position)
        stamp = checked.owner.field(cursor) if cursor else None
        also = window.conditions(cursor, nillable=stamp is not None and stamp.nillable)
        deleted = self.node.with_deleted
        reading = Read(client, columns, names, window, also, deleted, tell=self.tell)
        late = late_condition(checked.owner, _SOME_TIME)
        reserve = " AND ".join((*also, late or "", f"Id > {text(_SOME_ID)} {ORDER}", ""))
        try:
            choice, parts, other = self._chosen(
                client, query, also, reserve, None if place is None else place.api, window
            )
        except TooLongError as error:
            msg = f"{self.node.name}: {error}"
            raise QueryFailedError(msg) from error
        if window.since is None and max(len(parts.queries), len(other.queries) if other else 0) > 1:
            covered = window.covered or open_window(client, query.owner, None).covered
            reading.late = late_condition(checked.owner, covered)
            reading.has_to_be_whole = self._tells_deletes()
        self._tell(query.owner, choice, parts, reading, resumed=place is not None)
        read = reading.rest if choice.api == "rest" else reading.bulk
        try:
            yield from self._counted(read(parts, place), reading)
        except BulkUnsupported as error:
            if reading.given or place is not None or other is None:
                raise
            self._tell(query.owner, Choice("rest", str(error)), other, reading, resumed=False)
            yield from self._counted(reading.rest(other), reading)

    def _chosen(
        self,
        client: SalesforceClient,
        query: Query,
        also: tuple[str, ...],
        reserve: str,
        api: str | None,
        window: Window,
    ) -> tuple[Choice, Parts, Parts | None]:
        """Return the API, the query's parts, and those for REST where Bulk cannot read them."""
        if api is not None:
            split = for_rest if api == "rest" else for_bulk
            why = "the read that broke off was by it"
            return Choice("rest" if api == "rest" else "bulk", why), split(query, reserve), None
        if query.is_empty or window.is_empty:
            return (
                Choice("rest", "no record can be found"),
                Parts((), is_disjoint=True, is_fixed=True),
                None,
            )
        found = choose_api(client, self.node, query, also, reserve)
        if found.choice.api == "bulk":
            check_bulk(read_limits(client), BULK_QUERY, self.connection.org_share)
        return found.choice, found.parts, found.by_rest

    def _counted(self, pieces: Iterator[Piece], reading: Read) -> Iterator[Piece]:
        assert self.told is not None
        for piece in pieces:
            self.told.rows, self.told.restarted = reading.given, reading.restarted
            yield piece
        self.told.restarted = reading.restarted

    def _checked(self, client: SalesforceClient) -> CheckedPull:
        try:
            return check_pull(self.loaded.workflow, self.node, Describes(client))
        except QueryUnfit as error:
            msg = f"{self.node.name}: the query does not fit the org: {error}"
            raise QueryFailedError(msg) from error

    def _tells_deletes(self) -> bool:
        deltas = self.loaded.workflow.deltas
        return any(one.source == self.node.name and one.deletes.detect for one in deltas)

    def _names(self) -> tuple[str, ...]:
        if self.node.soql is None:
            return tuple(self.node.fields)
        return raw.parse(self.node.soql).fields

    def _tell(
        self, owner: str, choice: Choice, parts: Parts, reading: Read, *, resumed: bool
    ) -> None:
        queries = tuple(one.text(*reading.also) for one in parts.queries)
        self.told = Told(owner, choice, queries, reading.window, resumed)


def cursor_of(names: tuple[str, ...]) -> str | None:
    """Return the field among those that are read which tells best when a record changed."""
    lower = {name.lower() for name in names}
    return next((stamp for stamp in STAMPS if stamp.lower() in lower), None)


def _window(client: SalesforceClient, owner: str, cursor: str | None, position: Position) -> Window:
    since: Mark | None = position.changed_since
    return Window() if cursor is None else open_window(client, owner, since)


def open_records(
    loaded: LoadedWorkflow,
    node: SalesforcePullNode,
    tell: Callable[[str], None] = lambda _text: None,
) -> SalesforceRows:
    """Return a Salesforce pull node's rows; nothing is connected to before the first read.

    Args:
        loaded: The workflow the node stands in.
        node: The node.
        tell: Told now and then what a read waits for.

    Raises:
        TypeError: The node's connection is to nothing of Salesforce.
    """
    connection = loaded.workflow.connections[node.connection]
    if not isinstance(connection, SalesforceConnection):
        msg = (
            f"{node.name}: {node.connection!r} is a {connection.type} connection, no salesforce one"
        )
        raise TypeError(msg)
    return SalesforceRows(loaded, node, connection, tell=tell)
