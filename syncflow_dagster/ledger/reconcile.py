"""Reconciliation: what is not clear is looked up before anything is sent again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.ports import Unreadable
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.ledger.effects import Scope
    from syncflow_dagster.ledger.ports import Destination, Effect, Finding, Lookup
    from syncflow_dagster.ledger.questions import QuestionStore
    from syncflow_dagster.ledger.recording import Recorder
    from syncflow_dagster.ledger.verdicts import RetryRule


class Reconciliation:
    """Asks the service about effects whose outcome is UNKNOWN, and decides them.

    Args:
        questions: Those effects.
        destination: The adapter of the service.
        scope: Which effects.
        records: Writes what is decided.
        rule: Decides.
        budgets: The account's.
        reserve: Sets aside what a look-up costs.
        size: Effects looked up at a time.
    """

    def __init__(
        self,
        questions: QuestionStore,
        destination: Destination,
        scope: Scope,
        records: Recorder,
        rule: RetryRule,
        budgets: Budgets,
        reserve: Callable[[Mapping[str, int]], None],
        size: int,
    ) -> None:
        self._questions = questions
        self._destination = destination
        self._scope = scope
        self._records = records
        self._rule = rule
        self._budgets = budgets
        self._reserve = reserve
        self._size = size

    def look_at_job(self) -> bool:
        """Ask what has become of the effects of one bulk job."""
        now = self._records.now()
        due = self._records.safely(lambda: self._questions.due_of_job(self._scope, now))
        if not due:
            return False
        crash_point("reconcile.found_unknown")
        lookup = self._ask([effect for effect, _ in due])
        findings = [lookup.findings[effect.effect_id] for effect, _ in due]
        if isinstance(findings[0], Unreadable) and len(set(findings)) == 1:
            self._put_off(due, findings[0])
        else:
            self._conclude(due, lookup.findings, uuid4())
        return True

    def _put_off(self, due: Sequence[tuple[Effect, UUID]], finding: Unreadable) -> None:
        # The effects of a job stay together, so that one question serves them all.
        until = self._rule.after_looking(due[0][0], finding, self._records.now()).not_before
        assert until is not None
        ids = [effect.effect_id for effect, _ in due]
        put_off = partial(
            self._questions.put_off, ids, until, finding.reason, counts=finding.counts
        )
        self._records.safely(put_off)
        if not finding.outage:
            # A job that is at work uses up no patience.
            self._records.last_end = self._records.now()
        self._records.tell()

    def look(self) -> bool:
        """Ask what has become of effects that are in no job, of many at a time."""
        now = self._records.now()
        due = self._records.safely(lambda: self._questions.due(self._scope, now, self._size))
        if not due:
            return False
        crash_point("reconcile.found_unknown")
        lookup = self._ask([effect for effect, _ in due])
        self._conclude(due, lookup.findings, uuid4())
        return True

    def _ask(self, effects: Sequence[Effect]) -> Lookup:
        cost = self._destination.lookup_cost(effects)
        self._reserve(cost)
        lookup = self._destination.lookup(effects)
        crash_point("reconcile.looked_up")
        self._records.report.lookups += lookup.requests
        self._budgets.settle(cost, lookup.spent, lookup.readings)
        self._budgets.heard(lookup.outage)
        self._records.report.stopped = lookup.stopped
        return lookup

    def _conclude(
        self,
        due: Sequence[tuple[Effect, UUID]],
        findings: Mapping[int, Finding],
        lookup_id: UUID,
    ) -> None:
        now = self._records.now()
        effects = [effect for effect, _ in due]
        self._records.safely(lambda: self._questions.begin(effects, lookup_id, now))
        self._decide(due, findings, lookup_id)
        crash_point("reconcile.decided")
        self._records.tell()

    def _decide(
        self,
        due: Sequence[tuple[Effect, UUID]],
        findings: Mapping[int, Finding],
        lookup_id: UUID,
    ) -> None:
        now = self._records.now()
        verdicts = [
            self._rule.after_looking(effect, findings[effect.effect_id], now) for effect, _ in due
        ]
        for one in verdicts:
            if one.state == EffectState.UNKNOWN and one.not_before is not None:
                postpone = self._questions.leave_job if one.no_job else self._questions.put_off
                self._records.safely(
                    partial(postpone, [one.effect_id], one.not_before, one.reason or "")
                )
        self._records.settle(
            "lookup",
            [one for one in verdicts if one.state != EffectState.UNKNOWN],
            {effect.effect_id: request for effect, request in due},
            log_as=lookup_id,
        )
