"""The conditions of a tag node's rules, asked of rows of the delta node they read.

They mean what the same conditions mean in SOQL: see `core.soql`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.check import Checker
from syncflow_dagster.core.soql.evaluate import matcher
from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.workflows.conditions import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from syncflow_dagster.core.soql.date_literals import Calendar
    from syncflow_dagster.core.soql.tree import Mistake
    from syncflow_dagster.workflows.models import DeltaNode
    from syncflow_dagster.workflows.models.tag import TagNode

#: Salesforce's word for each type a field of a delta node may have.
_TYPES = {
    "text": "string",
    "integer": "long",
    "decimal": "double",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}
_NO_LIMIT = 2**31


class _Rows:
    """A delta node's records, seen as the only object there is."""

    def __init__(self, info: ObjectInfo) -> None:
        self._info = info

    def object(self, name: str) -> ObjectInfo | None:
        return self._info if name == self._info.name else None

    def names(self) -> Iterable[str]:
        return [self._info.name]


def matchers(
    node: TagNode, source: DeltaNode, calendar: Calendar
) -> tuple[Mapping[str, Callable[[Mapping[str, Any]], bool]], list[Mistake]]:
    """Return what tells of a row whether a rule's condition holds, and what is wrong with them.

    Args:
        node: The tag node.
        source: The delta node whose rows they are asked of.
        calendar: What date literals mean now.

    Returns:
        The functions by the name of the rule, for those that have a condition; and mistakes, each
        with its place in the node.
    """
    info = row_object(source)
    checker = Checker(info, _Rows(info))
    found = {}
    for at, rule in enumerate(node.rules):
        if rule.when is not None:
            where = checker.where(tree_of(rule.when, ("rules", at, "when")))
            found[rule.name] = matcher(where, calendar)
    return found, checker.mistakes


def row_object(source: DeltaNode) -> ObjectInfo:
    """Return the rows of a delta node as if they were an object of Salesforce."""
    fields = tuple(
        FieldInfo(
            rule.name,
            _TYPES[rule.type],
            length=_NO_LIMIT,
            digits=18,
            precision=_NO_LIMIT,
            scale=_NO_LIMIT,
        )
        for rule in source.fields
    )
    return ObjectInfo(source.entity, fields)
