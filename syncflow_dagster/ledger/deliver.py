"""Delivery: claim, reserve, commit the intent, send, record; look up what is not clear."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from syncflow_dagster.core import leaving
from syncflow_dagster.core.budget import forecast
from syncflow_dagster.core.leaving import Left
from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.delivery_report import DeliveryOptions, DeliveryReport, Teller
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.jobs import JobStore
from syncflow_dagster.ledger.pauses import AccountPaused, Pause
from syncflow_dagster.ledger.pieces import fitting, held, pieces
from syncflow_dagster.ledger.questions import QuestionStore
from syncflow_dagster.ledger.reconcile import Reconciliation
from syncflow_dagster.ledger.recording import Recorder
from syncflow_dagster.ledger.verdicts import RetryRule, Verdict, together
from syncflow_dagster.ledger.worker import Worker, worker
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.ledger.admission import Admission
    from syncflow_dagster.ledger.ports import BulkJob, Destination, Effect, Reply
    from syncflow_dagster.store.database import Database


class Delivery:
    """Brings the effects of one scope to their destination.

    Args:
        database: Where the ledger is.
        clock: Database time, and waiting.
        destination: The adapter of the service.
        scope: Which effects.
        options: How long to keep at it.
        progress: Told after each request how far it is.
        admission: Asked, in the transaction that commits an intent, whether it may go.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        destination: Destination,
        scope: Scope,
        options: DeliveryOptions | None = None,
        progress: Teller | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._destination = destination
        self._scope = scope
        self._options = options or DeliveryOptions()
        self._admission = admission
        self._effects = EffectStore(database)
        self._jobs = JobStore(database, self._effects)
        self._pace = destination.pace()
        # Effects that one window holds; more of them would leave a small rest each time.
        self._most = destination.batch_size
        self._records = Recorder(database, clock, self._effects, scope, progress)
        self._started = self._records.last_end
        self._budgets = Budgets(
            database,
            clock,
            destination.account,
            destination.budgets(),
            destination.probe,
            self._options.chance,
            self._options.leave,
        )
        self._rule = RetryRule(self._options.most_tries, self._options.chance, destination.settle_s)
        self._questions = Reconciliation(
            QuestionStore(database, self._effects),
            self._jobs,
            destination,
            scope,
            self._records,
            self._rule,
            self._budgets,
            self._reserve,
            self._options.lookup_size,
        )

    @property
    def report(self) -> DeliveryReport:
        """What it did."""
        return self._records.report

    def run(self) -> DeliveryReport:
        """Deliver until nothing of the scope can go any more, or the account must stop."""
        with worker(self._database) as me:
            self._records.safely(lambda: self._jobs.forget(self._scope))
            try:
                while self.report.stopped is None and self._has_time() and self._try_step(me):
                    pass
            except Left as left:
                self.report.left = left.reason
                self._take_up(me)
            if self.report.paused is not None:
                self._tell_pause(me, self.report.paused)
        now = self._records.now()
        self.report.waiting = self._records.safely(
            lambda: self._effects.mark_waiting(self._scope, now)
        )
        self.report.remaining = self._effects.remaining(self._scope)
        self.report.waited_s += self._budgets.waited_s
        return self.report

    def _has_time(self) -> bool:
        return (self._records.now() - self._started).total_seconds() < self._options.longest_s

    def _try_step(self, me: Worker) -> bool:
        try:
            return self._step(me)
        except AccountPaused as paused:
            return self._sit_out(paused.pause)

    def _sit_out(self, pause: Pause) -> bool:
        """Wait for the end of a pause, if our patience lasts so long."""
        now = self._records.now()
        wait = max(0.05, (pause.until - now).total_seconds())
        if (now - self._records.last_end).total_seconds() + wait > self._options.patience_s:
            self.report.paused = pause
            return False
        self._sleep(wait)
        return True

    def _sleep(self, seconds: float) -> None:
        leaving.wait(self._clock, seconds, self._options.leave)
        self.report.waited_s += seconds

    def _tell_pause(self, me: Worker, pause: Pause) -> None:
        self._take_up(me)
        self._records.safely(lambda: self._effects.say_why(self._scope, pause.reason))
        if pause.calls_per_day is not None:
            ended = self.report.outcomes["done"] + self.report.outcomes["found"]
            asked = self.report.requests + self.report.lookups
            self.report.forecast = forecast(
                effects=self._effects.left(self._scope),
                per_request=ended / asked if ended else self._destination.batch_size,
                calls_per_day=pause.calls_per_day,
            )

    def _take_up(self, me: Worker) -> None:
        now = self._records.now()
        settle_s = self._destination.settle_s
        self._records.safely(
            lambda: self._effects.take_up(self._scope, me.number, now, settle_s=settle_s)
        )

    def _step(self, me: Worker) -> bool:
        leaving.check(self._options.leave)
        self._records.safely(me.stay_known)
        self._take_up(me)
        now = self._records.now()
        size = min(self._destination.batch_size, self._most)
        jobs = self._open_jobs(me)
        ordinary = False if self._destination.job_size else None
        batch = self._records.safely(
            lambda: self._effects.claim(self._scope, me.number, now, size, bulk=ordinary)
        )
        if batch:
            crash_point("deliver.claimed")
            for piece, key in pieces(batch, size, lambda: self._pace.size):
                self._send_piece(me, piece, key)
        # Questions are kept until nothing else can go: one look-up then answers many.
        asked = self._questions
        return jobs or bool(batch) or asked.look_at_job() or asked.look() or self._wait()

    def _open_jobs(self, me: Worker) -> bool:
        """Send what waits for a bulk job, all that belongs together in one."""
        size = self._destination.job_size
        if not size:
            return False
        now = self._records.now()
        opened = False
        for parent in self._records.safely(lambda: self._jobs.parents(self._scope, now)):
            may_go = self.report.stopped is None and self._has_time()
            if may_go and (batch := self._claim_job(me, parent, size)):
                crash_point("deliver.claimed")
                self._open_job(me, batch)
                opened = True
        return opened

    def _claim_job(self, me: Worker, parent: str | None, size: int) -> list[Effect]:
        now = self._records.now()
        return self._records.safely(
            lambda: self._effects.claim(
                self._scope, me.number, now, size, bulk=True, parent_key=parent
            )
        )

    def _open_job(self, me: Worker, batch: Sequence[Effect]) -> None:
        """Send what a job can carry now; the rest would wait for long and goes in requests."""
        count, why = self._in_reach(batch)
        if rest := batch[count:]:
            now = self._records.now()
            self._records.safely(lambda: self._jobs.make_ordinary(rest, me.number, now, why))
        if count:
            self._send(me, batch[:count])

    def _in_reach(self, batch: Sequence[Effect]) -> tuple[int, str]:
        """Return how many effects a job can carry without a long wait, and why no more."""

        def far(count: int) -> str | None:
            cost = self._destination.cost(batch[:count])
            return self._records.safely(partial(self._budgets.out_of_reach, cost))

        why = far(len(batch))
        if why is None:
            return len(batch), ""
        return bisect_left(
            range(1, len(batch)), True, key=lambda count: far(count) is not None
        ), why

    def _wait(self) -> bool:
        now = self._records.now()
        wait = self._records.safely(lambda: self._effects.next_due_s(self._scope, now))
        if wait is None:
            return False
        idle_s = (now - self._records.last_end).total_seconds()
        if idle_s + wait > self._options.patience_s:
            return False
        self._sleep(max(wait, 0.05))
        return True

    def _send_piece(self, me: Worker, piece: Sequence[Effect], key: UUID | None) -> None:
        # What was sent before goes again as it was.
        parts: Iterable[Sequence[Effect]] = [piece]
        if key is None:
            cost = self._destination.cost
            room, whole = self._records.safely(self._budgets.room)
            if (most := held(piece, cost, whole)) < len(piece):
                self._most = max(1, most)
            parts = fitting(piece, cost, room, whole)
        for part in parts:
            if self.report.stopped is None:
                self._send(me, part, key)

    def _send(self, me: Worker, batch: Sequence[Effect], key: UUID | None = None) -> None:
        cost = self._destination.cost(batch)
        self._reserve(cost)
        crash_point("deliver.budget_reserved")
        request_id = uuid4()
        now = self._records.now()
        held = self._records.safely(
            lambda: self._effects.commit_intent(
                batch, me.number, request_id, now, key, self._admission
            )
        )
        # Some were taken away, or may not go: what is left is another request, of another key.
        key = key if len(held) == len(batch) else None
        batch = held
        if not batch:
            self._budgets.settle(cost, dict.fromkeys(cost, 0), [])
            return
        crash_point("deliver.intent_committed")
        began = self._records.now()
        reply = self._destination.send(batch, key or request_id)
        crash_point("deliver.sent")
        self._heard(cost, batch, reply, (self._records.now() - began).total_seconds())
        if reply.review is not None:
            reply = replace(reply, outcomes=reply.review())
        if reply.job is not None:
            held_back = {name: cost[name] for name in reply.job.cost}
            outcomes = self._upload(me, batch, reply.job, request_id, held_back)
            reply = replace(reply, outcomes=outcomes)
        if reply.refused_whole and len(batch) > 1:
            self._send_halves(me, batch, request_id)
        else:
            self._record(batch, reply, request_id)

    def _heard(
        self, cost: Mapping[str, int], batch: Sequence[Effect], reply: Reply, seconds: float
    ) -> None:
        later = {} if reply.job is None else reply.job.cost
        reserved = {name: units for name, units in cost.items() if name not in later}
        # What was set aside for effects that did not go is given back.
        went = self._destination.cost(batch)
        spent = {name: went.get(name, 0) for name in reserved} | dict(reply.spent)
        self._budgets.settle(reserved, spent, reply.readings)
        if not reply.asked:
            return
        self.report.requests += 1
        self._budgets.heard(reply.outage, wrote=True)
        if not batch[0].bulk:
            self._keep_pace(reply, len(batch), seconds)

    def _keep_pace(self, reply: Reply, carried: int, seconds: float) -> None:
        outcomes = reply.outcomes.values()
        if all(isinstance(one, Unknown) for one in outcomes):
            self._pace = self._pace.after_silence(seconds)
        # A limit is told in no time, and so is an answer that is only repeated.
        elif not reply.refused_whole and any(_took_time(one) for one in outcomes):
            self._pace = self._pace.after(carried, seconds)

    def _upload(
        self,
        me: Worker,
        batch: Sequence[Effect],
        job: BulkJob,
        request_id: UUID,
        cost: Mapping[str, int],
    ) -> Mapping[int, Outcome]:
        """Give a job its file, for which `cost` is set aside, once its effects are written down."""
        now = self._records.now()
        is_ours = self._records.safely(
            lambda: self._jobs.open(
                batch, me.number, request_id, job.job_id, scope=self._scope, now=now
            )
        )
        if not is_ours:
            # Others have taken it for a job that never got its file; so it shall not.
            self._budgets.settle(cost, dict.fromkeys(cost, 0), [])
            lost = Retry("the worker lost it to another one", counts=False)
            return dict.fromkeys((effect.effect_id for effect in batch), lost)
        crash_point("deliver.job_opened")
        done = job.upload()
        if done.stored:
            now = self._records.now()
            look_at = now + timedelta(seconds=done.look_after_s)
            self._records.safely(lambda: self._jobs.stored(request_id, now, look_at))
        self._budgets.settle(cost, done.spent, [])
        self.report.jobs += 1
        crash_point("deliver.job_stored")
        return done.outcomes

    def _reserve(self, cost: Mapping[str, int]) -> None:
        before = self._budgets.waited_s
        try:
            self._budgets.reserve(cost)
        finally:
            # Waiting for a budget uses up no patience.
            self._records.last_end += timedelta(seconds=self._budgets.waited_s - before)

    def _send_halves(self, me: Worker, batch: Sequence[Effect], request_id: UUID) -> None:
        # Nothing was applied and the service does not say whose fault it is: halve until found.
        now = self._records.now()
        why = "the batch was refused"
        back = [
            Verdict(one.effect_id, EffectState.RETRY, "retry", why, now, counts=False)
            for one in batch
        ]
        self._records.settle("send", back, dict.fromkeys((e.effect_id for e in batch), request_id))
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            ids = [effect.effect_id for effect in half]
            if self.report.stopped is None and (claimed := self._reclaim(me, ids)):
                self._send(me, claimed)

    def _reclaim(self, me: Worker, ids: list[int]) -> list[Effect]:
        now = self._records.now()
        return self._records.safely(lambda: self._effects.reclaim(ids, me.number, now))

    def _record(self, batch: Sequence[Effect], reply: Reply, request_id: UUID) -> None:
        now = self._records.now()
        verdicts = [
            self._rule.after_sending(effect, reply.outcomes[effect.effect_id], now)
            for effect in batch
        ]
        if batch[0].bulk:
            verdicts = together(verdicts)
        self._records.settle(
            "send", verdicts, dict.fromkeys((e.effect_id for e in batch), request_id)
        )
        self.report.amended += [
            (str(effect.payload.get("label")), verdict.reason or "")
            for effect, verdict in zip(batch, verdicts, strict=True)
            if verdict.payload is not None
        ]
        # A limit that ends by itself holds up the next request, at the budget.
        outcomes = reply.outcomes.values()
        stops = [one for one in outcomes if isinstance(one, Stop) and one.limit is None]
        if stops:
            self.report.stopped = stops[0].reason
        self._records.tell()


def _took_time(outcome: Outcome) -> bool:
    """Tell whether the service was at work on an effect, whatever came of it."""
    return isinstance(outcome, Reject) or (isinstance(outcome, Done) and not outcome.replayed)
