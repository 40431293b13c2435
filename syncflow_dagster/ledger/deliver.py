"""Delivery: claim, reserve, commit the intent, send, record; look up what is not clear."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID, uuid4

from syncflow_dagster.core.budget import Forecast, forecast
from syncflow_dagster.core.outcomes import Stop
from syncflow_dagster.core.states import SETTLED_EFFECTS, EffectState
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.pauses import AccountPaused, Pause
from syncflow_dagster.ledger.pieces import fitting, pieces
from syncflow_dagster.ledger.verdicts import RetryRule, Verdict
from syncflow_dagster.ledger.worker import Worker, worker
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.ports import Destination, Effect, Finding, Reply
    from syncflow_dagster.store.database import Database

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How long a delivery keeps at it.

    Attributes:
        patience_s: Seconds it goes on without any effect being brought to an end (waits for a
            budget do not count); what is left then is left to the next run.
        longest_s: Seconds after which it stops between two requests, so that a run stays a batch;
            what is left is left to the next run.
        most_tries: Tries after which an effect that itself keeps failing is dead.
        lookup_size: Effects looked up at a time.
        chance: Where jitter is drawn from.
    """

    patience_s: float = 300.0
    longest_s: float = 900.0
    most_tries: int = 8
    lookup_size: int = 500
    chance: Random = field(default_factory=random.Random)


@dataclass(slots=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        outcomes: Effects by what became of them: done, doubtful, retry, unknown, rejected, stop,
            found, absent, ambiguous, unreadable. One effect may count in several.
        requests: Requests that carried effects.
        lookups: Requests that only asked.
        waited_s: Seconds spent waiting for budgets or for something to become due.
        stopped: Why nothing more may be sent on this account until somebody acts, if so.
        paused: Why nothing more may be sent on this account for a while, if so.
        forecast: How long what is left takes, where the account's calls of the day are used up.
        waiting: Effects that hang on something that is not there.
        remaining: Effects of the pass still under way when it ended.
        amended: Effects that are sent otherwise than planned: whose record, and why.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lookups: int = 0
    waited_s: float = 0.0
    stopped: str | None = None
    paused: Pause | None = None
    forecast: Forecast | None = None
    waiting: int = 0
    remaining: int = 0
    amended: list[tuple[str, str]] = field(default_factory=list)


class Delivery:
    """Brings the effects of one scope to their destination.

    Args:
        database: Where the ledger is.
        clock: Database time, and waiting.
        destination: The adapter of the service.
        scope: Which effects.
        options: How long to keep at it.
        progress: Called after each request with the report so far and the effects still to go.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        destination: Destination,
        scope: Scope,
        options: DeliveryOptions | None = None,
        progress: Callable[[DeliveryReport, int], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._destination = destination
        self._scope = scope
        self._options = options or DeliveryOptions()
        self._progress = progress
        self._effects = EffectStore(database)
        self._budgets = Budgets(
            database,
            clock,
            destination.account,
            destination.budgets(),
            destination.probe,
            self._options.chance,
        )
        self._rule = RetryRule(self._options.most_tries, self._options.chance, destination.settle_s)
        self._last_end = self._started = self._now()
        self.report = DeliveryReport()

    def run(self) -> DeliveryReport:
        """Deliver until nothing of the scope can go any more, or the account must stop."""
        with worker(self._database) as me:
            while self.report.stopped is None and self._has_time() and self._try_step(me):
                pass
            if self.report.paused is not None:
                self._tell_pause(me, self.report.paused)
        now = self._now()
        self.report.waiting = self._safely(lambda: self._effects.mark_waiting(self._scope, now))
        self.report.remaining = self._effects.remaining(self._scope)
        self.report.waited_s += self._budgets.waited_s
        return self.report

    def _has_time(self) -> bool:
        return (self._now() - self._started).total_seconds() < self._options.longest_s

    def _try_step(self, me: Worker) -> bool:
        try:
            return self._step(me)
        except AccountPaused as paused:
            return self._sit_out(paused.pause)

    def _sit_out(self, pause: Pause) -> bool:
        """Wait for the end of a pause, if our patience lasts so long."""
        now = self._now()
        wait = max(0.05, (pause.until - now).total_seconds())
        if (now - self._last_end).total_seconds() + wait > self._options.patience_s:
            self.report.paused = pause
            return False
        self.report.waited_s += wait
        self._clock.sleep(wait)
        return True

    def _tell_pause(self, me: Worker, pause: Pause) -> None:
        self._take_up(me)
        self._safely(lambda: self._effects.say_why(self._scope, pause.reason))
        if pause.calls_per_day is not None:
            ended = self.report.outcomes["done"] + self.report.outcomes["found"]
            asked = self.report.requests + self.report.lookups
            self.report.forecast = forecast(
                effects=self._effects.left(self._scope),
                per_request=ended / asked if ended else self._destination.batch_size,
                calls_per_day=pause.calls_per_day,
            )

    def _take_up(self, me: Worker) -> None:
        now = self._now()
        settle_s = self._destination.settle_s
        self._safely(lambda: self._effects.take_up(self._scope, me.number, now, settle_s=settle_s))

    def _step(self, me: Worker) -> bool:
        self._safely(me.stay_known)
        self._take_up(me)
        now = self._now()
        size = self._destination.batch_size
        batch = self._safely(lambda: self._effects.claim(self._scope, me.number, now, size))
        if batch:
            crash_point("deliver.claimed")
            for piece, key in pieces(batch, size):
                self._send_piece(me, piece, key)
            return True
        # Questions are kept until nothing else can go: one look-up then answers many.
        return self._reconcile() or self._wait()

    def _wait(self) -> bool:
        now = self._now()
        wait = self._safely(lambda: self._effects.next_due_s(self._scope, now))
        if wait is None:
            return False
        idle_s = (now - self._last_end).total_seconds()
        if idle_s + wait > self._options.patience_s:
            return False
        wait = max(wait, 0.05)
        self.report.waited_s += wait
        self._clock.sleep(wait)
        return True

    def _send_piece(self, me: Worker, piece: Sequence[Effect], key: UUID | None) -> None:
        # What was sent before goes again as it was.
        parts: Iterable[Sequence[Effect]] = [piece]
        if key is None:
            parts = fitting(piece, self._destination.cost, *self._safely(self._budgets.room))
        for part in parts:
            if self.report.stopped is None:
                self._send(me, part, key)

    def _send(self, me: Worker, batch: Sequence[Effect], key: UUID | None = None) -> None:
        cost = self._destination.cost(batch)
        self._reserve(cost)
        crash_point("deliver.budget_reserved")
        request_id = uuid4()
        now = self._now()
        held = self._safely(
            lambda: self._effects.commit_intent(batch, me.number, request_id, now, key)
        )
        # Another worker took some away: what is left is another request, under a key of its own.
        key = key if len(held) == len(batch) else None
        batch = held
        if not batch:
            self._budgets.settle(cost, dict.fromkeys(cost, 0), [])
            return
        crash_point("deliver.intent_committed")
        reply = self._destination.send(batch, key or request_id)
        crash_point("deliver.sent")
        self.report.requests += 1
        self._budgets.settle(cost, reply.spent, reply.readings)
        self._budgets.heard(reply.outage, wrote=True)
        if reply.review is not None:
            reply = replace(reply, outcomes=reply.review())
        if reply.refused_whole and len(batch) > 1:
            self._send_halves(me, batch, request_id)
        else:
            self._record(batch, reply, request_id)

    def _reserve(self, cost: Mapping[str, int]) -> None:
        before = self._budgets.waited_s
        try:
            self._budgets.reserve(cost)
        finally:
            # Waiting for a budget uses up no patience.
            self._last_end += timedelta(seconds=self._budgets.waited_s - before)

    def _send_halves(self, me: Worker, batch: Sequence[Effect], request_id: UUID) -> None:
        # Nothing was applied and the service does not say whose fault it is: halve until found.
        now = self._now()
        why = "the batch was refused"
        back = [
            Verdict(one.effect_id, EffectState.RETRY, "retry", why, now, counts=False)
            for one in batch
        ]
        self._settle("send", back, dict.fromkeys((e.effect_id for e in batch), request_id))
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            ids = [effect.effect_id for effect in half]
            if self.report.stopped is None and (claimed := self._reclaim(me, ids)):
                self._send(me, claimed)

    def _reclaim(self, me: Worker, ids: list[int]) -> list[Effect]:
        now = self._now()
        return self._safely(lambda: self._effects.reclaim(ids, me.number, now))

    def _record(self, batch: Sequence[Effect], reply: Reply, request_id: UUID) -> None:
        now = self._now()
        verdicts = [
            self._rule.after_sending(effect, reply.outcomes[effect.effect_id], now)
            for effect in batch
        ]
        self._settle("send", verdicts, dict.fromkeys((e.effect_id for e in batch), request_id))
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
        self._tell()

    def _reconcile(self) -> bool:
        now = self._now()
        due = self._safely(
            lambda: self._effects.unknown_due(self._scope, now, self._options.lookup_size)
        )
        if not due:
            return False
        crash_point("reconcile.found_unknown")
        effects = [effect for effect, _ in due]
        cost = self._destination.lookup_cost(effects)
        self._reserve(cost)
        lookup_id = uuid4()
        self._safely(lambda: self._effects.begin_lookup(effects, lookup_id, now))
        lookup = self._destination.lookup(effects)
        crash_point("reconcile.looked_up")
        self.report.lookups += lookup.requests
        self._budgets.settle(cost, lookup.spent, lookup.readings)
        self._budgets.heard(lookup.outage)
        self.report.stopped = lookup.stopped
        self._decide(due, lookup.findings, lookup_id)
        crash_point("reconcile.decided")
        self._tell()
        return True

    def _decide(
        self,
        due: Sequence[tuple[Effect, UUID]],
        findings: Mapping[int, Finding],
        lookup_id: UUID,
    ) -> None:
        now = self._now()
        verdicts = [
            self._rule.after_looking(effect, findings[effect.effect_id], now) for effect, _ in due
        ]
        for one in verdicts:
            if one.state == EffectState.UNKNOWN and one.not_before is not None:
                self._effects.postpone_unknown([one.effect_id], one.not_before, one.reason or "")
        self._settle(
            "lookup",
            [one for one in verdicts if one.state != EffectState.UNKNOWN],
            {effect.effect_id: request for effect, request in due},
            log_as=lookup_id,
        )

    def _settle(
        self,
        action: str,
        verdicts: Sequence[Verdict],
        request_ids: dict[int, UUID],
        log_as: UUID | None = None,
    ) -> None:
        logged = dict.fromkeys(request_ids, log_as) if log_as else request_ids

        def write() -> None:
            now = self._clock.now()
            with self._database.transaction() as conn:
                self._effects.settle(conn, verdicts, request_ids, now)
                self._effects.log_attempts(conn, action, verdicts, logged, now)
                crash_point("deliver.outcomes_written")

        self._safely(write)
        crash_point("deliver.outcomes_committed")
        self.report.outcomes.update(one.outcome for one in verdicts)
        if any(one.state in SETTLED_EFFECTS for one in verdicts):
            self._last_end = self._now()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.report, self._effects.remaining(self._scope))

    def _now(self) -> datetime:
        return self._safely(self._clock.now)

    def _safely(self, call: Callable[[], _T]) -> _T:
        # Each call is one transaction that may be run again: a database restart is sat out.
        return retry_transient(call, self._clock, attempts=20)
