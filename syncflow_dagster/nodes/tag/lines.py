"""The lines of a plan: one change of one record each, and the hash over all of them. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.tag.cells import (
    Change,
    ConflictingTagsError,
    Mix,
    Put,
    both,
    normal,
    same,
)
from syncflow_dagster.nodes.tag.values import UnfitValue, fitted, kept
from syncflow_dagster.nodes.tag.wishes import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.nodes.tag.cells import Value
    from syncflow_dagster.nodes.tag.wishes import SourceRow, Wish

#: What is done, by the kind of place and whether something is there afterwards.
KINDS = {
    ("fields", True): "set_fields",
    ("fields", False): "set_fields",
    ("topic", True): "assign_topic",
    ("topic", False): "remove_topic",
    ("campaign", True): "add_member",
    ("campaign", False): "remove_member",
    ("junction", True): "upsert_junction",
    ("junction", False): "remove_junction",
}
#: Kind of place, by what is done.
PLACES = {kind: place for (place, _), kind in KINDS.items()}
#: Passes of a run, by what they write.
PASSES = {"fields": 1, "topic": 2, "campaign": 3, "junction": 4}
#: What of an effect's payload is not about where it is written.
_NOT_OF_THE_PLACE = frozenset(
    {
        "tagged", "record_id", "store", "purpose", "rules", "before", "after", "plan", "policy",
        "label",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """What the records show now.

    Attributes:
        cells: Values by record id and cell; a record that is not there is not in it.
        parents: The record that is locked along with it, by record id.
    """

    cells: Mapping[str, Mapping[str, Value]]
    parents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One change of one record: who, what, why, from what to what.

    Attributes:
        effect_key: Deterministic and unique.
        place: Where it is written.
        rules: Rules that want it.
        before: Values of the cells it changes, as they are.
        after: What they shall be.
        row: The row it serves; None where it takes back what was written.
        parent: Record that is locked along with it, if any.
    """

    effect_key: str
    place: Place
    rules: tuple[str, ...]
    before: Mapping[str, Value]
    after: Mapping[str, Value]
    row: SourceRow | None = None
    parent: str | None = None

    @property
    def kind(self) -> str:
        """What is done, as the ledger names it."""
        there = any(value not in (None, False) for value in self.after.values())
        return KINDS[self.place.kind, there]

    def hashed(self) -> list[Any]:
        """Return what the plan's hash covers of it."""
        place = self.place
        return [
            self.effect_key, self.kind, dict(place.details), place.record_id, place.store,
            place.purpose, list(self.rules), normal(self.before), normal(self.after),
        ]  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of it in the plan."""
        return {
            "effect_key": self.effect_key,
            "delta_id": None if self.row is None else self.row.delta_id,
            "kind": self.kind,
            "record_id": self.place.record_id,
            "store": self.place.store,
            "purpose": self.place.purpose,
            "rules": list(self.rules),
            "before": normal(self.before),
            "after": normal(self.after),
        }

    def effect(self, tagged: str, account: str, plan: str, policy: str) -> PlannedEffect:
        """Return the line as an effect of the ledger.

        Args:
            tagged: API name of the tagged object.
            account: Name of the org.
            plan: Hash of the plan it belongs to.
            policy: Hash of the policy it was approved under; under another it is not sent.
        """
        row = self.row
        return PlannedEffect(
            effect_key=self.effect_key,
            kind=self.kind,
            pass_number=PASSES[self.place.kind],
            object_key=object_key(account, tagged, self.place),
            creates=False,
            payload={
                **self.place.details,
                "tagged": tagged,
                "record_id": self.place.record_id,
                "store": self.place.store,
                "purpose": self.place.purpose,
                "rules": list(self.rules),
                "before": normal(self.before),
                "after": normal(self.after),
                "plan": plan,
                "policy": policy,
                "label": self.place.record_id if row is None else row.label,
            },
            delta_table=None if row is None else row.table,
            delta_id=None if row is None else row.delta_id,
            customer=None if row is None else row.customer,
        )


def object_key(account: str, tagged: str, place: Place) -> str:
    """Return the ledger's name of what a line changes: of one thing, nothing overtakes another."""
    return f"salesforce:{account}:{tagged}:{place.record_id}:{place.store}"


def place_of(kind: str, payload: Mapping[str, Any]) -> Place:
    """Return where an effect is written, by its kind and payload."""
    return Place(
        record_id=payload["record_id"],
        kind=PLACES[kind],
        store=payload["store"],
        purpose=payload["purpose"],
        details={name: payload[name] for name in payload if name not in _NOT_OF_THE_PLACE},
    )


def plan_hash(policy_hash: str, lines: Iterable[Line], target: Sequence[str]) -> str:
    """Return the hash an approval is for: SHA-256 over all that is written and where, 64 hex.

    Args:
        policy_hash: The policy.
        lines: Every change.
        target: The org's account and URL, and the tagged object.
    """
    listed = sorted((line.hashed() for line in lines), key=lambda line: str(line[0]))
    text = json.dumps(
        [policy_hash, list(target), listed],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class RowPlan:
    """What one row of the source comes to.

    Attributes:
        row: The row.
        lines: Changes to make; none means that nothing is to be done.
        refused: Why the row can never be tagged as it is.
        there: Tags that are there already.
    """

    row: SourceRow
    lines: list[Line] = field(default_factory=list)
    refused: str | None = None
    there: int = 0

    @property
    def settled(self) -> str:
        """Why nothing is to be done, where nothing is."""
        return "every tag is there already" if self.there else "no rule applies"


@dataclass(frozen=True, slots=True)
class LinePlanner:
    """Turns wishes into the lines of a plan, by what the records show.

    Attributes:
        node: Name of the tag node.
        records: What the records show.
        fields: Fields of the tagged object by name, as describe tells them.
    """

    node: str
    records: Records
    fields: Mapping[str, FieldInfo] = field(default_factory=dict)

    def plan(self, row: SourceRow, wishes: Sequence[Wish]) -> RowPlan:
        """Return the lines of a row; what cannot be written refuses the row, and is not raised."""
        plan = RowPlan(row)
        try:
            fitting = [self._fitted(wish) for wish in wishes]
            for place, changes, rules in merged(fitting):
                self._add(plan, place, changes, rules)
        except (ConflictingTagsError, UnfitValue) as error:
            return RowPlan(row, refused=str(error))
        return plan if plan.refused is None else RowPlan(row, refused=plan.refused)

    def _add(
        self, plan: RowPlan, place: Place, changes: Mapping[str, Change], rules: tuple[str, ...]
    ) -> None:
        shown = self.records.cells.get(place.record_id)
        if shown is None:
            if plan.row.operation != "DELETE":
                plan.refused = f"record {place.record_id} is not there, or may not be seen"
            return
        before, after = differing(shown, changes)
        if not after:
            plan.there += 1
        else:
            row, store = plan.row, f"{place.record_id}:{place.store}:{place.purpose}"
            key = f"{self.node}:{place.kind}:{row.table}:{row.delta_id}:{store}"
            parent = self.records.parents.get(place.record_id)
            plan.lines.append(Line(key, place, rules, before, after, row, parent))

    def _fitted(self, wish: Wish) -> Wish:
        """Return a wish with its value as the field keeps it.

        Raises:
            UnfitValue: The field does not take it.
        """
        info, change = self.fields.get(wish.cell), wish.change
        if info is None:
            return wish
        if isinstance(change, Mix):
            return replace(wish, change=Mix(_named(info, change.add), _named(info, change.remove)))
        try:
            if isinstance(change, Put):
                return replace(wish, change=Put(fitted(info, change.value)))
            return replace(wish, change=replace(change, expected=kept(info, change.expected)))
        except UnfitValue as error:
            msg = f"rule {wish.rule}: {error}"
            raise UnfitValue(msg) from error


def _named(info: FieldInfo, values: frozenset[str]) -> frozenset[str]:
    """Return values of a multi-select picklist as it spells them."""
    return frozenset(kept(info, ";".join(values)) or ())


def merged(
    wishes: Sequence[Wish],
) -> list[tuple[Place, dict[str, Change], tuple[str, ...]]]:
    """Put together what several rules want of one place.

    Raises:
        ConflictingTagsError: Two of them want what cannot both be.
    """
    changes: dict[Place, dict[str, Change]] = defaultdict(dict)
    rules: dict[Place, list[str]] = defaultdict(list)
    for wish in wishes:
        known = changes[wish.place].get(wish.cell)
        changes[wish.place][wish.cell] = (
            wish.change if known is None else both(known, wish.change, wish.cell)
        )
        rules[wish.place].append(wish.rule)
    return [(place, cells, tuple(dict.fromkeys(rules[place]))) for place, cells in changes.items()]


def differing(
    shown: Mapping[str, Value], changes: Mapping[str, Change]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the cells that would change: as they are, and as they shall be."""
    wanted = {cell: change.on(shown.get(cell)) for cell, change in changes.items()}
    changed = {cell: value for cell, value in wanted.items() if not same(value, shown.get(cell))}
    return {cell: normal(shown.get(cell)) for cell in changed}, {
        cell: normal(value) for cell, value in changed.items()
    }
