"""The query of a Salesforce pull node, checked against the org's describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import raw
from syncflow_dagster.core.soql.check import Checker
from syncflow_dagster.core.soql.paths import find_object
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.core.soql.write import Query
from syncflow_dagster.workflows.conditions import tree_of
from syncflow_dagster.workflows.models import DeltaNode
from syncflow_dagster.workflows.rules.salesforce import STAMPS, UNCHANGING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncflow_dagster.core.soql.schema import ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.core.soql.where import Path
    from syncflow_dagster.workflows.models import SalesforcePullNode, Workflow

_BY_VERSION = frozenset({"rowversion", "auto"})


@dataclass(frozen=True, slots=True)
class CheckedPull:
    """A pull node's query that fits the org.

    Attributes:
        owner: The object.
        query: The query, its names in their own case.
        columns: The fields it reads; a column is named by a path's `text`.
        warnings: What is worth knowing.
    """

    owner: ObjectInfo
    query: Query
    columns: tuple[Path, ...]
    warnings: tuple[Mistake, ...] = ()


class QueryUnfit(Exception):
    """A pull node's query does not fit the org.

    Attributes:
        mistakes: What does not, with its places in the workflow file; warnings among it.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        wrong = [one for one in mistakes if not one.warning]
        first = "; ".join(filter(None, (wrong[0].message, wrong[0].hint)))
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        super().__init__(f"{first}{more}")
        self.mistakes = tuple(mistakes)


def check_pull(workflow: Workflow, node: SalesforcePullNode, schema: Schema) -> CheckedPull:
    """Check a pull node against the org, and compile its query.

    Args:
        workflow: The node's workflow: whether its reads are of changes only is in the delta node.
        node: The node.
        schema: The org's objects.

    Raises:
        QueryUnfit: It does not fit.
        SourceError: The org does not describe itself.
    """
    at = ("nodes", workflow.nodes.index(node))
    incremental = any(
        delta.source == node.name and delta.detection.strategy in _BY_VERSION
        for delta in workflow.deltas
    )
    given = raw.parse(node.soql) if node.soql is not None else None
    place = (*at, "object" if given is None else "soql")
    owner = find_object(given.owner if given else node.object or "", schema, place)
    if isinstance(owner, Mistake):
        raise QueryUnfit([owner])
    checker = Checker(owner, schema, incremental)
    if given is not None:
        given.check(checker, place)
        columns = _columns(checker, given.fields, [place] * len(given.fields))
        query = Query(owner.name, tuple(one.text for one in columns), raw=given.where)
    else:
        places = [(*at, "fields", index) for index in range(len(node.fields))]
        columns = _columns(checker, node.fields, places)
        where = checker.where(tree_of(node.where, (*at, "where")) if node.where else None)
        query = Query(owner.name, tuple(one.text for one in columns), where)
    checker.mistakes += _versions(workflow, node, owner)
    checker.mistakes += _never_seen(
        workflow, node, is_narrowed=bool(node.where or (given and given.where))
    )
    found = tuple(dict.fromkeys(checker.mistakes))
    if checker.failed:
        raise QueryUnfit(found)
    return CheckedPull(owner, query, tuple(columns), found)


def _versions(workflow: Workflow, node: SalesforcePullNode, owner: ObjectInfo) -> Iterator[Mistake]:
    """Report row versions by which changes of the object are not seen."""
    best = next((stamp for stamp in STAMPS if owner.field(stamp) is not None), None)
    for at, delta in enumerate(workflow.nodes):
        if not isinstance(delta, DeltaNode) or delta.source != node.name:
            continue
        name = delta.detection.rowversion
        if name is None or delta.detection.strategy not in _BY_VERSION or best is None:
            continue
        loc = ("nodes", at, "detection", "rowversion")
        read = delta.field(name).source_column
        if read.lower() != best.lower():
            message = f"{name!r} reads {read}, by which changes are missed: {owner.name} has {best}"
            yield Mistake(loc, "weak_stamp", message, f"name a field whose column is {best}")
        elif best in UNCHANGING:
            message = f"{owner.name} has no better stamp than {best}, which no change moves"
            hint = "new records are read; changes of known ones only when all rows are read again"
            yield Mistake(loc, "unchanging_stamp", message, hint, warning=True)


def _never_seen(
    workflow: Workflow, node: SalesforcePullNode, *, is_narrowed: bool
) -> Iterator[Mistake]:
    """Report what a delta that never reads all rows again is not told of."""
    hint = "with strategy: auto they are found when all rows are read again"
    for at, delta in enumerate(workflow.nodes):
        if not isinstance(delta, DeltaNode) or delta.source != node.name:
            continue
        if delta.detection.strategy != "rowversion":
            continue
        loc = ("nodes", at, "detection", "strategy")
        if is_narrowed:
            message = "records that no longer meet the conditions stay as they were, for ever"
            yield Mistake(loc, "leaving_unseen", message, hint, warning=True)
        if not node.with_deleted:
            message = "deleted records stay as they were, for ever"
            more = f"{hint}; or set with_deleted: true in {node.name!r} and a marker of deletes"
            yield Mistake(loc, "deletes_unseen", message, more, warning=True)


def _columns(checker: Checker, names: Iterable[str], places: Sequence[Loc]) -> list[Path]:
    """Return the fields that are read; a column has to be written as the field is."""
    found = []
    for name, place in zip(names, places, strict=True):
        path = checker.readable(name, place)
        if path is None:
            continue
        found.append(path)
        if path.text != name:
            message = f"{name!r} is written {path.text!r} at Salesforce, and so is its column"
            checker.find(place, "other_case", message, f"write {path.text}")
    return found
