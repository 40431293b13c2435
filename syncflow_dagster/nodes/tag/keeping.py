"""Writing a plan down and putting it into the ledger: one transaction each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from syncflow_dagster.nodes.tag.lines import plan_hash
from syncflow_dagster.nodes.tag.plan_report import Planned
from syncflow_dagster.nodes.tag.plans import NewPlan, PlanStatus, mark
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.effects import EffectStore, Scope
    from syncflow_dagster.nodes.tag.caps import Load
    from syncflow_dagster.nodes.tag.compute import Computed
    from syncflow_dagster.nodes.tag.lines import Line, RowPlan
    from syncflow_dagster.nodes.tag.plans import PlanStore, StoredPlan
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.tag import TagNode

    Connection = psycopg.Connection[DictRow]

#: Who approves what the policy lets through by itself.
POLICY = "policy"
#: Kinds that a bulk job can write.
BULK_KINDS = ("set_fields", "upsert_junction")
#: What the policy lets through by itself counts together for so long.
_COUNTED = timedelta(hours=24)


class PlanRules(Protocol):
    """What of the policy plans are held to."""

    @property
    def hash(self) -> str:
        """Hash of the policy; a plan made under another one is outdated."""
        ...

    def approves(self, load: Load) -> bool:
        """Tell whether a plan needs no person, given what goes or went by itself with it."""
        ...

    def too_much(self, load: Load) -> str | None:
        """Return why a plan may not be made at all, given what its run plans, if so."""
        ...


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How planning is done.

    Attributes:
        actor: Who plans; with four eyes he may not approve.
        run_id: The run that plans.
        dry_run: Keep the plan and its lines, and write nothing else.
        limit: Rows looked at, at most.
    """

    actor: str
    run_id: str | None = None
    dry_run: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps and applies the plans of one tag node.

    Attributes:
        database: Delta tables, plans and ledger.
        clock: Database time.
        store: The node's plans.
        effects: The ledger.
        node: The tag node.
        scope: Its place in the ledger.
        account: Name of the org in the ledger.
        url: Where the org answers.
        rules: What of the policy plans are held to.
        options: How it is done.
        made: Ids of the plans this run has made so far.
    """

    database: Database
    clock: Clock
    store: PlanStore
    effects: EffectStore
    node: TagNode
    scope: Scope
    account: str
    url: str
    rules: PlanRules
    options: PlanOptions
    made: list[int] = field(default_factory=list)

    def hash_of(self, lines: Sequence[Line]) -> str:
        """Return the hash of a plan with these changes, under the policy as it is now."""
        return plan_hash(self.rules.hash, lines, (self.account, self.url, self.node.object))

    def keep(
        self, computed: Computed, lines: Sequence[Line], undo_of: str | None = None
    ) -> Planned | None:
        """Write a plan down, and apply it where the policy lets it through.

        Args:
            computed: The rows it is for; those with nothing to do are settled along with it.
            lines: Its changes.
            undo_of: The run whose tags it takes back, if it does.

        Returns:
            The plan; None where nothing is to be changed, or another run took the rows.
        """
        dry = self.options.dry_run
        plans, followers = computed.plans, computed.followers
        with self.database.transaction() as conn:
            now = self.clock.now()
            if not dry:
                ids = [plan.row.delta_id for plan in plans]
                locked = self.store.lock_rows(conn, [*ids, *followers])
                if not {line.row.delta_id for line in lines if line.row} <= locked:
                    return None
                self.store.settle(conn, _ended(plans, locked), now)
                followers = {one: why for one, why in followers.items() if one in locked}
            planned = None
            if lines:
                planned = self._plan(conn, lines, followers, undo_of, now)
            if not dry:
                crash_point("plan.effects_written")
        return planned

    def apply_approved(self, plan: StoredPlan, lines: Sequence[Line]) -> bool:
        """Apply an approved plan whose changes are just as they were; False if it is too late."""
        ids = {line.row.delta_id for line in lines if line.row is not None}
        with self.database.transaction() as conn:
            still = self.store.lock(conn, plan.plan_id).status is PlanStatus.APPROVED
            if not still or self.store.lock_rows(conn, sorted(ids)) != ids:
                return False
            self._apply(conn, plan.plan_id, plan.plan_hash, lines, self.clock.now())
            crash_point("plan.effects_written")
        return True

    def _plan(
        self,
        conn: Connection,
        lines: Sequence[Line],
        followers: Mapping[int, str | None],
        undo_of: str | None,
        now: datetime,
    ) -> Planned:
        number, options = self.hash_of(lines), self.options
        records = {line.place.record_id for line in lines}
        new = NewPlan(
            number, self.rules.hash, lines, PlanStatus.REFUSED, options.actor, options.run_id,
            undo_of,
        )  # fmt: skip
        ours = self.store.caps.load(conn, records, len(lines), self.made)
        # What a run has written may be taken back however much it is.
        if undo_of is None and (why := self.rules.too_much(ours)):
            if not options.dry_run:
                self.store.caps.note(conn, self.store.given(new, now), why)
            return Planned(number, PlanStatus.REFUSED, len(lines), why)
        since = now - _COUNTED
        both = self.store.caps.load(conn, records, len(lines), self.made, since)
        wanted, why = self._first_status(both, len(lines))
        plan_id, status = self.store.keep(conn, replace(new, status=wanted), now)
        self.made.append(plan_id)
        if status is PlanStatus.APPROVED and not options.dry_run:
            if wanted is PlanStatus.APPROVED:
                self.store.note_auto_approval(conn, plan_id, POLICY, why, now)
            self._apply(conn, plan_id, number, lines, now)
            status = PlanStatus.APPLIED
        elif not options.dry_run:
            self.store.settle(conn, _held(number, lines, followers), now)
        return Planned(number, status, len(lines), why)

    def _first_status(self, load: Load, changes: int) -> tuple[PlanStatus, str]:
        if self.options.dry_run:
            return PlanStatus.PROPOSED, "a dry run writes nothing"
        # Cut into pieces by hand, a plan tells nothing about how much is to be changed.
        if self.options.limit is None and self.rules.approves(load):
            return PlanStatus.APPROVED, f"the policy lets plans of {changes:,} changes through"
        return PlanStatus.WAITING, "it waits for approval"

    def _apply(
        self, conn: Connection, plan_id: int, number: str, lines: Sequence[Line], now: datetime
    ) -> None:
        """Put a plan's changes into the ledger; those that lock the same parent come together."""
        policy = self.rules.hash
        ordered = sorted(lines, key=lambda line: (line.parent or "", line.place.record_id))
        effects = [line.effect(self.node.object, self.account, number, policy) for line in ordered]
        self.store.adopt(conn, effects)
        self.effects.insert(conn, effects, scope=self.scope, account=self.account)
        least = self.node.bulk_from
        for kind in BULK_KINDS:
            crowd = [one for one in effects if one.kind == kind and not _mixes(one.payload)]
            if least is not None and len(crowd) >= least:
                self.store.choose_bulk(conn, crowd)
        rows = {line.row.delta_id for line in lines if line.row is not None}
        self.store.settle(conn, dict.fromkeys(sorted(rows), ("PUSHING", None)), now)
        self.store.applied(conn, plan_id, self.options.run_id, now)
        # Rows of other changes of its records, held since it was approved.
        self.store.release(conn, mark(number), now)


def _mixes(payload: Mapping[str, Any]) -> bool:
    """Tell whether an effect writes a multi-select picklist: whole, as it was read just before.

    A bulk job writes minutes after the read, and would drop what others have added meanwhile.
    """
    cells = (*payload["before"].values(), *payload["after"].values())
    return any(isinstance(value, list) for value in cells)


def _ended(plans: Sequence[RowPlan], locked: set[int]) -> dict[int, tuple[str, str | None]]:
    """Return the states of rows with nothing to write."""
    ended: dict[int, tuple[str, str | None]] = {}
    for plan in plans:
        if plan.row.delta_id not in locked:
            continue
        if plan.refused:
            ended[plan.row.delta_id] = ("DEAD", plan.refused)
        elif not plan.lines:
            ended[plan.row.delta_id] = ("SYNCED", plan.settled)
    return ended


def _held(
    number: str, lines: Sequence[Line], followers: Mapping[int, str | None]
) -> dict[int, tuple[str, str | None]]:
    """Return the states of rows that wait for a plan, and of those that wait along with them."""
    held: dict[int, tuple[str, str | None]] = {
        line.row.delta_id: ("HELD", f"{mark(number)}waits for approval")
        for line in lines
        if line.row is not None
    }
    later = "waits for approval, with another change of the same record"
    for delta_id, other in followers.items():
        if other is not None:
            held[delta_id] = ("HELD", f"{mark(other or number)}{later}")
    return held
