"""What the next reads from Salesforce would ask, and by which API."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.places import as_findings, placed
from syncflow_dagster.core.soql.split import TooLongError
from syncflow_dagster.nodes.pull.ports import SourceError
from syncflow_dagster.nodes.pull.salesforce_choice import choose_api
from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.workflows.models import SalesforceConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.soql.choice import Choice
    from syncflow_dagster.core.soql.tree import Mistake
    from syncflow_dagster.nodes.pull.soql import CheckedPull
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import SalesforcePullNode


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What a Salesforce pull node would ask when all records are read.

    Attributes:
        node: Its name.
        owner: The object.
        records: How many there are; None where that is not known.
        uncounted: Why it is not known.
        is_estimate: Whether a record may be counted twice, by two parts.
        choice: The API, and why.
        queries: The query, or its parts.
        warnings: What is worth knowing.
    """

    node: str
    owner: str
    records: int | None
    uncounted: str
    is_estimate: bool
    choice: Choice
    queries: tuple[str, ...]
    warnings: tuple[Mistake, ...] = ()

    def lines(self, workflow: str) -> Iterator[str]:
        """Return the plan for a person."""
        records = f"not counted: {self.uncounted}"
        if self.records is not None:
            records = f"{'at most ' if self.is_estimate else ''}{self.records:,} records"
        yield f"{workflow}.{self.node}: {self.owner}, {records}"
        yield f"  by {self.choice.api}: {self.choice.why}"
        if len(self.queries) > 1:
            yield f"  {len(self.queries)} queries"
        yield from (f"  {query}" for query in self.queries)
        if not self.queries:
            yield "  no query: the conditions are never true"
        yield from (f"  warning {one.message}; {one.hint}" for one in self.warnings)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "object": self.owner,
            "records": self.records,
            "is_estimate": self.is_estimate,
            "api": self.choice.api,
            "why": self.choice.why,
            "queries": list(self.queries),
            "warnings": [one.message for one in self.warnings],
        }


@dataclass(slots=True)
class Orgs:
    """The orgs of a workflow, each with one client for as long as they are looked at."""

    loaded: LoadedWorkflow
    stack: ExitStack = field(default_factory=ExitStack)
    found: dict[str, tuple[SalesforceClient, Describes]] = field(default_factory=dict)

    def of(self, connection: str) -> tuple[SalesforceClient, Describes]:
        """Return the client of a connection, and what its org tells of itself."""
        if connection not in self.found:
            given = self.loaded.workflow.connections[connection]
            assert isinstance(given, SalesforceConnection)
            client = self.stack.enter_context(closing(SalesforceClient(given)))
            self.found[connection] = client, Describes(client)
        return self.found[connection]


def plan_reads(loaded: LoadedWorkflow) -> list[ReadPlan]:
    """Plan every Salesforce pull node of a workflow: ask the org what it is, and count.

    Raises:
        CommandFailed: An org cannot be asked, or a query does not fit it.
    """
    orgs = Orgs(loaded)
    with orgs.stack:
        return [_plan(orgs, node) for node in loaded.workflow.salesforce_pulls]


def _plan(orgs: Orgs, node: SalesforcePullNode) -> ReadPlan:
    client, schema = orgs.of(node.connection)
    try:
        checked = check_pull(orgs.loaded.workflow, node, schema)
        return _checked_plan(node, checked, client)
    except QueryUnfit as error:
        wrong = [one for one in error.mistakes if not one.warning]
        first, *more = placed(orgs.loaded.path, as_findings(wrong))
        told = f" (and {len(more)} more: see syncflow preflight)" if more else ""
        msg = f"the workflow does not fit the org: {first}{told}"
        raise CommandFailed(msg) from error
    except TooLongError as error:
        msg = f"{node.name}: {error}"
        raise CommandFailed(msg) from error
    except SourceError as error:
        msg = f"{node.name}: the org cannot be asked: {error}"
        raise CommandFailed(msg) from error


def _checked_plan(
    node: SalesforcePullNode, checked: CheckedPull, client: SalesforceClient
) -> ReadPlan:
    query = checked.query
    chosen = choose_api(client, node, query, always_count=True)
    return ReadPlan(
        node.name,
        query.owner,
        chosen.records,
        chosen.uncounted,
        is_estimate=chosen.by_rest is not None and not chosen.by_rest.is_disjoint,
        choice=chosen.choice,
        queries=tuple(one.text() for one in chosen.parts.queries),
        warnings=checked.warnings,
    )
