"""Reconciliation: what is not clear is looked up before anything is sent again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.ledger.effects import Scope
    from syncflow_dagster.ledger.jobs import JobStore
    from syncflow_dagster.ledger.ports import Destination, Effect, Finding, JobLook, Lookup
    from syncflow_dagster.ledger.questions import QuestionStore
    from syncflow_dagster.ledger.recording import Recorder
    from syncflow_dagster.ledger.verdicts import RetryRule, Verdict


class Reconciliation:
    """Asks the service about effects whose outcome is UNKNOWN, and decides them.

    Args:
        questions: Those effects.
        jobs: The bulk jobs some of them are in.
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
        jobs: JobStore,
        destination: Destination,
        scope: Scope,
        records: Recorder,
        rule: RetryRule,
        budgets: Budgets,
        reserve: Callable[[Mapping[str, int]], None],
        size: int,
    ) -> None:
        self._questions = questions
        self._jobs = jobs
        self._destination = destination
        self._scope = scope
        self._records = records
        self._rule = rule
        self._budgets = budgets
        self._reserve = reserve
        self._size = size

    def look_at_job(self) -> bool:
        """Ask what has become of one bulk job, and decide its effects if it tells."""
        now = self._records.now()
        due = self._records.safely(lambda: self._jobs.due(self._scope, now))
        if due is None:
            return False
        crash_point("reconcile.found_unknown")
        cost = self._destination.job_look_cost()
        self._reserve(cost)
        look = self._destination.look_at_job(due.job)
        crash_point("reconcile.looked_up")
        self._heard(cost, look, requests=1)
        if look.findings is None:
            self._put_off_job(due.request_id, look)
        else:
            self._decide_job(due.request_id, look.findings)
        return True

    def _put_off_job(self, request_id: UUID, look: JobLook) -> None:
        if not look.failed and look.outage is None:
            self._records.report.at_work += 1
        until = self._records.now() + timedelta(seconds=look.after_s)
        self._records.safely(
            lambda: self._jobs.put_off(request_id, until, look.reason, failed=look.failed)
        )
        self._records.tell()

    def _decide_job(self, request_id: UUID, findings: Mapping[int, Finding]) -> None:
        effects = self._records.safely(lambda: self._jobs.effects(request_id))
        lookup_id = self._begin(effects)
        by_effect = {one.effect_id: findings[one.line] for one in effects if one.line is not None}
        self._conclude([(effect, request_id) for effect in effects], by_effect, lookup_id)
        self._records.safely(lambda: self._jobs.forget(self._scope))

    def look(self) -> bool:
        """Ask what has become of effects that are in no job, of many at a time."""
        now = self._records.now()
        due = self._records.safely(lambda: self._questions.due(self._scope, now, self._size))
        if not due:
            return False
        crash_point("reconcile.found_unknown")
        effects = [effect for effect, _ in due]
        cost = self._destination.lookup_cost(effects)
        self._reserve(cost)
        lookup_id = self._begin(effects)
        lookup = self._destination.lookup(effects)
        crash_point("reconcile.looked_up")
        self._heard(cost, lookup, requests=lookup.requests)
        self._conclude(due, lookup.findings, lookup_id)
        return True

    def _begin(self, effects: Sequence[Effect]) -> UUID:
        now, lookup_id = self._records.now(), uuid4()
        self._records.safely(lambda: self._questions.begin(effects, lookup_id, now))
        return lookup_id

    def _heard(self, cost: Mapping[str, int], look: Lookup | JobLook, *, requests: int) -> None:
        self._records.report.lookups += requests
        self._budgets.settle(cost, look.spent, look.readings)
        self._budgets.heard(look.outage)
        self._records.report.stopped = look.stopped

    def _conclude(
        self,
        due: Sequence[tuple[Effect, UUID]],
        findings: Mapping[int, Finding],
        lookup_id: UUID,
    ) -> None:
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
        request_of = {effect.effect_id: request for effect, request in due}
        verdicts = [
            self._rule.after_looking(effect, findings[effect.effect_id], now) for effect, _ in due
        ]
        self._keep_open([one for one in verdicts if one.state == EffectState.UNKNOWN], request_of)
        self._records.settle("lookup", verdicts, request_of, log_as=lookup_id)

    def _keep_open(self, verdicts: Sequence[Verdict], request_of: Mapping[int, UUID]) -> None:
        """Put questions off, those together that are put off alike."""
        alike: dict[tuple[UUID | None, bool, datetime, str], list[int]] = defaultdict(list)
        for one in verdicts:
            assert one.not_before is not None
            job = request_of[one.effect_id] if one.no_job else None
            alike[job, one.unseen, one.not_before, one.reason or ""].append(one.effect_id)
        for (job, unseen, until, reason), ids in alike.items():
            if job is None:
                put_off = partial(self._questions.put_off, ids, until, reason, unseen=unseen)
                self._records.safely(put_off)
            else:
                self._records.safely(partial(self._jobs.leave, ids, job, until, reason))
