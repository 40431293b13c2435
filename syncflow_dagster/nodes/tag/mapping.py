"""The fields that rules of a tag node write by a mapping, and what of it the org does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.paths import find_field
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.salesforce.way_back import (
    WayBack,
    check_writing,
    no_way_back,
    not_written,
)
from syncflow_dagster.workflows.models import DeltaNode
from syncflow_dagster.workflows.models.tag import FieldsTag

if TYPE_CHECKING:
    from syncflow_dagster.core.soql.schema import ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.workflows.models import TagNode, Workflow
    from syncflow_dagster.workflows.models.delta import FieldRule

#: The fields each rule with a mapping writes, by the rule's name.
Ways = Mapping[str, Sequence[WayBack]]


def ways_back(
    workflow: Workflow, node: TagNode, tagged: ObjectInfo, schema: Schema
) -> tuple[Ways, list[Mistake]]:
    """Return what rules with a mapping write, and what does not fit; warnings among it.

    Args:
        workflow: The node's workflow.
        node: The tag node.
        tagged: The tagged object.
        schema: The org's objects.
    """
    ways: dict[str, Sequence[WayBack]] = {}
    mistakes: list[Mistake] = []
    for number, rule in enumerate(node.rules):
        if isinstance(rule.tag, FieldsTag):
            place = ("nodes", workflow.nodes.index(node), "rules", number, "tag")
            made = _Declared(workflow, node, rule.tag, tagged, schema, place)
            ways[rule.name] = made.ways()
            mistakes += made.mistakes
    return ways, mistakes


@dataclass(slots=True)
class _Declared:
    """One rule's mapping, read against the org."""

    workflow: Workflow
    node: TagNode
    tag: FieldsTag
    tagged: ObjectInfo
    schema: Schema
    place: Loc
    mistakes: list[Mistake] = field(default_factory=list)

    def ways(self) -> Sequence[WayBack]:
        """Return the fields that are written; what is wrong is in `mistakes` then."""
        mapping, source = (self._delta(name) for name in (self.tag.mapping, self.node.source))
        given = {rule.name: (rule, self._loc(source, at)) for at, rule in enumerate(source.fields)}
        found = []
        for at, rule in enumerate(mapping.fields):
            if self.tag.only is not None and rule.name not in self.tag.only:
                continue
            way = self._way(mapping, rule, self._asked(mapping, at), given)
            if way is not None:
                found.append(way)
        named = self.tag.only is not None
        clears = self.tag.nulls == "clear"
        self.mistakes += check_writing(found, named=named, clears=clears)
        written = [way for way in found if way.blocked is None]
        if not written and all(one.warning for one in self.mistakes):
            message = f"no field of {mapping.name!r} can be written to {self.tagged.name}"
            hint = "name a delta node whose columns are fields of the object"
            self.mistakes.append(
                Mistake((*self.place, "mapping"), "nothing_to_write", message, hint)
            )
        return written

    def _way(
        self,
        mapping: DeltaNode,
        rule: FieldRule,
        loc: Loc,
        given: Mapping[str, tuple[FieldRule, Loc]],
    ) -> WayBack | None:
        reason = no_way_back(mapping, rule)
        if reason is None and rule.name not in given:
            reason = f"{self.node.source!r} has no field {rule.name!r}"
        if reason is not None:
            self.mistakes.append(not_written(loc, reason, named=self.tag.only is not None))
            return None
        path = find_field(rule.source_column, self.tagged, self.schema, loc)
        if isinstance(path, Mistake):
            other = "name the fields to write under 'only'" if self.tag.only is None else ""
            hint = "; or ".join(filter(None, (path.hint, other)))
            self.mistakes.append(replace(path, hint=hint))
            return None
        if path.field.type == "id" and path.parent is None and self.tag.only is None:
            return None  # It names the record.
        own, own_loc = given[rule.name]
        return WayBack(rule, own, path, loc, own_loc)

    def _delta(self, name: str) -> DeltaNode:
        node = self.workflow.node(name)
        assert isinstance(node, DeltaNode)
        return node

    def _loc(self, delta: DeltaNode, at: int) -> Loc:
        return ("nodes", self.workflow.nodes.index(delta), "fields", at)

    def _asked(self, mapping: DeltaNode, at: int) -> Loc:
        if self.tag.only is None:
            return self._loc(mapping, at)
        return (*self.place, "only", self.tag.only.index(mapping.fields[at].name))
