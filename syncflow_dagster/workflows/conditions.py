"""Conditions of a workflow file as the plain tree that is checked and compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from syncflow_dagster.core.soql import tree
from syncflow_dagster.workflows.models.salesforce import AllOf, AnyOf, Condition, NoneOf

if TYPE_CHECKING:
    from syncflow_dagster.workflows.models.salesforce import ConditionTree
    from syncflow_dagster.workflows.problems import Loc


def tree_of(conditions: ConditionTree, loc: Loc = ()) -> tree.Tree:
    """Return conditions as a plain tree.

    Args:
        conditions: As the models have them.
        loc: Where they stand in the file.
    """
    match conditions:
        case Condition():
            return tree.Condition(
                conditions.attribute,
                conditions.operator,
                conditions.value,
                conditions.null_matches,
                loc,
            )
        case AllOf():
            return tree.Group("all", _parts(conditions.all, (*loc, "all")), loc)
        case AnyOf():
            return tree.Group("any", _parts(conditions.any, (*loc, "any")), loc)
        case NoneOf():
            return tree.Group("none", _parts(conditions.none, (*loc, "none")), loc)
    assert_never(conditions)


def _parts(parts: list[ConditionTree], loc: Loc) -> tuple[tree.Tree, ...]:
    return tuple(tree_of(part, (*loc, at)) for at, part in enumerate(parts))
