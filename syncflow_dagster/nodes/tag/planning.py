"""From pending rows to plans, and from approved plans to the ledger.

What is read of Salesforce is read outside of any transaction; what is written of a plan is written
in one, so that a kill leaves it either kept or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.tag.compare import differences
from syncflow_dagster.nodes.tag.compute import Computed
from syncflow_dagster.nodes.tag.plan_report import Planned, TagPlanReport
from syncflow_dagster.nodes.tag.plans import PlanStatus
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.nodes.tag.compute import Computer
    from syncflow_dagster.nodes.tag.keeping import Keeper
    from syncflow_dagster.nodes.tag.lines import Line
    from syncflow_dagster.nodes.tag.plans import StoredPlan


@dataclass(slots=True)
class Planning:
    """Plans for one tag node.

    Attributes:
        keeper: Writes plans down.
        computer: Says what rows come to.
        report: What it came to.
    """

    keeper: Keeper
    computer: Computer
    report: TagPlanReport = field(default_factory=TagPlanReport)

    def run(self) -> TagPlanReport:
        """Apply what is approved, outdate what no longer holds, and plan what is pending."""
        if not self.keeper.options.dry_run:
            self._clear()
            self._outdate_waiting()
            for plan in self.keeper.store.of_status(PlanStatus.APPROVED):
                self._apply_approved(plan)
        self._plan_pending()
        return self.report

    def undo(self, run: str) -> TagPlanReport:
        """Plan the reverse of what a run has written, where it still stands."""
        lines, gone = self.computer.undo(run)
        if gone:
            self.report.settled["what was written does not stand any more"] += gone
        if lines:
            self._keep(Computed([]), lines, undo_of=run)
        return self.report

    def _clear(self) -> None:
        """Let go what earlier runs have left waiting for nothing."""
        keeper = self.keeper

        def work() -> None:
            with keeper.database.transaction() as conn:
                keeper.store.revive(conn)
                keeper.store.caps.forget(conn)
                keeper.store.release_stranded(conn, keeper.clock.now())

        retry_transient(work, keeper.clock)

    def _outdate_waiting(self) -> None:
        """Let rows be planned anew whose plan can no longer be applied as it is."""
        store = self.keeper.store
        waiting = [*store.of_status(PlanStatus.PROPOSED), *store.of_status(PlanStatus.WAITING)]
        for plan in waiting:
            ids = store.row_ids(plan.plan_id)
            with self.keeper.database.transaction() as conn:
                lost = store.lost_rows(conn, plan, ids)
            if plan.policy_hash != self.keeper.rules.hash:
                self._outdate(plan, "the policy has changed")
            elif lost:
                self._outdate(plan, f"{lost:,} of its {len(ids):,} rows have changed")

    def _outdate(self, plan: StoredPlan, reason: str) -> None:
        keeper = self.keeper

        def work() -> None:
            with keeper.database.transaction() as conn:
                keeper.store.outdate(conn, plan, reason, keeper.clock.now())

        retry_transient(work, keeper.clock)
        outdated = Planned(plan.plan_hash, PlanStatus.OUTDATED, plan.changes, reason)
        self.report.plans.append(outdated)

    def _apply_approved(self, plan: StoredPlan) -> None:
        """Compute an approved plan once more; apply it if nothing differs."""
        keeper, policy = self.keeper, self.keeper.rules.hash
        if plan.policy_hash != policy:
            self._outdate(plan, "the policy has changed since it was approved")
            return
        if plan.undo_of is not None:
            lines, _ = self.computer.undo(plan.undo_of)
        else:
            rows = keeper.store.rows(keeper.store.row_ids(plan.plan_id))
            lines = self.computer.of_rows(rows, busy={}).lines
        if keeper.hash_of(lines) != plan.plan_hash:
            told = differences(keeper.store.lines(plan.plan_id), lines)
            self.report.differ(told)
            more = f", and {len(told) - 1:,} more" if len(told) > 1 else ""
            self._outdate(plan, f"since it was approved: {told[0]}{more}")
            return
        if retry_transient(partial(keeper.apply_approved, plan, lines), keeper.clock):
            crash_point("plan.committed")
            self._tell(Planned(plan.plan_hash, PlanStatus.APPLIED, len(lines)), lines)

    def _plan_pending(self) -> None:
        after, limit = 0, self.keeper.options.limit
        while limit is None or self.report.rows < limit:
            most = self.keeper.node.plan_rows
            if limit is not None:
                most = min(most, limit - self.report.rows)
            rows = self.keeper.store.take(after, most)
            if not rows:
                return
            after = rows[-1].delta_id
            computed = self.computer.of_rows(rows)
            self._count(computed, len(rows))
            self._keep(computed, computed.lines)

    def _count(self, computed: Computed, rows: int) -> None:
        self.report.rows += rows
        self.report.postponed += len(computed.followers)
        for plan in computed.plans:
            if plan.refused:
                self.report.refuse(plan.row.label, plan.refused)
            elif not plan.lines:
                self.report.settled[plan.settled] += 1

    def _keep(self, computed: Computed, lines: Sequence[Line], undo_of: str | None = None) -> None:
        keeper = self.keeper
        planned = retry_transient(partial(keeper.keep, computed, lines, undo_of), keeper.clock)
        if not keeper.options.dry_run:
            crash_point("plan.committed")
        if planned is not None:
            self._tell(planned, lines)

    def _tell(self, planned: Planned, lines: Sequence[Line]) -> None:
        self.report.plans.append(planned)
        self.report.add(lines)
