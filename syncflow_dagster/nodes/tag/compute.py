"""What rows of the source, or the undoing of a run, come to now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from syncflow_dagster.nodes.tag.lines import LinePlanner, Records, RowPlan, object_key
from syncflow_dagster.nodes.tag.order import SHORT_ID
from syncflow_dagster.nodes.tag.undo import Written, reverse, undo_lines
from syncflow_dagster.nodes.tag.wishes import BadRowError, wishes_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.nodes.tag.lines import Line
    from syncflow_dagster.nodes.tag.mapping import Ways
    from syncflow_dagster.nodes.tag.plans import PlanStore
    from syncflow_dagster.nodes.tag.wishes import Matcher, Place, SourceRow, Wish
    from syncflow_dagster.workflows.models.tag import TagNode


class RecordReader(Protocol):
    """Reads what records show now."""

    def read(self, wishes: Sequence[Wish]) -> Records:
        """Return the cells the wishes are about, of all their records, as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Computed:
    """What rows come to.

    Attributes:
        plans: Of each row that can be planned now.
        followers: Rows of whose record another change is under way or to be made first, by their
            id; with the hash of the plan that holds it, empty for the plan of these rows, None
            where no plan does.
    """

    plans: list[RowPlan]
    followers: dict[int, str | None] = field(default_factory=dict)

    @property
    def lines(self) -> list[Line]:
        """The changes of all rows."""
        return [line for plan in self.plans for line in plan.lines]


@dataclass(frozen=True, slots=True)
class Computer:
    """Computes the changes of one tag node.

    Attributes:
        node: The tag node.
        store: Its plans.
        reader: Reads records.
        matches: Asks the conditions of its rules.
        fields: Fields of the tagged object by name.
        ways: The fields that rules with a mapping write.
        account: Name of the org in the ledger.
        clock: Database time.
        settle_s: Seconds until reads show what was written.
    """

    node: TagNode
    store: PlanStore
    reader: RecordReader
    matches: Matcher
    fields: Mapping[str, FieldInfo]
    ways: Ways
    account: str
    clock: Clock
    settle_s: float

    def of_rows(
        self, rows: Sequence[SourceRow], busy: Mapping[str, str | None] | None = None
    ) -> Computed:
        """Return what rows come to now; of a record, only the first row is planned.

        Args:
            rows: The rows, in their order.
            busy: Records of which another change is under way; looked up if left out.
        """
        computed = Computed([])
        found: dict[int, list[Wish]] = {}
        for row in rows:
            try:
                found[row.delta_id] = wishes_of(self.node, row, self.matches, self.ways)
            except BadRowError as error:
                computed.plans.append(RowPlan(row, refused=str(error)))
        places = {wish.place for wishes in found.values() for wish in wishes}
        taken = dict(self._busy(places) if busy is None else busy)
        waiting = self._waiting(places, rows) if busy is None else {}
        chosen = []
        for row in rows:
            if row.delta_id not in found:
                continue
            its = {wish.place.record_id for wish in found[row.delta_id]}
            overtaken = {one for one in its if waiting.get(one, row.delta_id) < row.delta_id}
            if blocked := its & taken.keys() | overtaken:
                why = computed.followers[row.delta_id] = taken.get(min(blocked))
                # Rows of its other records may not overtake it either.
                taken = {**dict.fromkeys(its, why), **taken}
            else:
                chosen.append(row)
                taken |= dict.fromkeys(its, "")
        wanted = [wish for row in chosen for wish in found[row.delta_id]]
        records = self.reader.read(wanted) if wanted else Records({})
        planner = LinePlanner(self.node.name, records, self.fields)
        computed.plans.extend(planner.plan(row, found[row.delta_id]) for row in chosen)
        return computed

    def _busy(self, places: Collection[Place]) -> dict[str, str | None]:
        keys = {object_key(self.account, self.node.object, place) for place in places}
        since = self.clock.now() - timedelta(seconds=self.settle_s)
        return self.store.order.busy({place.record_id for place in places}, keys, since)

    def _waiting(self, places: Collection[Place], rows: Sequence[SourceRow]) -> Mapping[str, int]:
        """Return the earlier row that waits for each record, where there is one."""
        ids = {place.record_id for place in places}
        if not ids:
            return {}
        fields = {rule.record for rule in self.node.rules}
        found = self.store.order.waiting(fields, ids, rows[0].delta_id)
        return {one: found[one[:SHORT_ID]] for one in ids if one[:SHORT_ID] in found}

    def undo(self, run: str) -> tuple[list[Line], int]:
        """Return what takes back what a run has written, and how much does not stand any more."""
        names = ("effect_key", "kind", "payload", "undone")
        found = self.store.written_by(run)
        reverses = [reverse(Written(**{name: one[name] for name in names})) for one in found]
        wanted = [wish for one in reverses for wish in one.wishes]
        return undo_lines(reverses, self.reader.read(wanted) if wanted else Records({}))
