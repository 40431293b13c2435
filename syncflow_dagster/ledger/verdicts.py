"""From an outcome or a finding to the new state of an effect: the ledger's own rules, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.backoff import Random, full_jitter
from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Retry, Stop, Unknown, Wait
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.effects import Verdict
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Finding, Found

if TYPE_CHECKING:
    from syncflow_dagster.ledger.ports import Effect


#: An unclear answer is often the service's trouble and not the record's, so it is given more tries.
_ABSENT_SHARE = 3


@dataclass(frozen=True, slots=True)
class RetryRule:
    """When to try again, and when to give up.

    Attributes:
        most_tries: Tries after which an effect that itself keeps failing is dead, and a third of
            those after which one that never happens is left to a person.
        chance: Where the jitter is drawn from.
        settle_s: Seconds after a request until the service's reads show its result.
    """

    most_tries: int
    chance: Random
    settle_s: float

    def after_sending(self, effect: Effect, outcome: Outcome, now: datetime) -> Verdict:
        """Return the new state of an effect that has just been sent."""
        match outcome:
            case Done(remote_id):
                return Verdict(effect.effect_id, EffectState.DONE, "done", remote_id=remote_id)
            case Unknown(reason):
                due = now + timedelta(seconds=self.settle_s)
                return Verdict(effect.effect_id, EffectState.UNKNOWN, "unknown", reason, due)
            case Reject(reason, gone):
                return Verdict(effect.effect_id, EffectState.DEAD, "rejected", reason, gone=gone)
            case Wait(reason):
                return Verdict(effect.effect_id, EffectState.WAITING, "wait", reason)
            case Stop(reason):
                return Verdict(
                    effect.effect_id, EffectState.RETRY, "stop", reason, now, counts=False
                )
            case Retry(reason, payload=Mapping() as payload):
                state = EffectState.RETRY
                return Verdict(
                    effect.effect_id, state, "amended", reason, now, counts=False, payload=payload
                )
            case Retry(reason, after_s, counts):
                if counts and effect.tries + 1 >= self.most_tries:
                    text = f"gave up after {effect.tries + 1} tries: {reason}"
                    return Verdict(effect.effect_id, EffectState.DEAD, "rejected", text)
                due = self._again(effect.tries, now, after_s)
                return Verdict(
                    effect.effect_id, EffectState.RETRY, "retry", reason, due, counts=counts
                )

    def after_looking(self, effect: Effect, finding: Finding, now: datetime) -> Verdict:
        """Return the new state of an UNKNOWN effect the service has been asked about."""
        match finding:
            case Found(remote_id):
                return Verdict(effect.effect_id, EffectState.DONE, "found", remote_id=remote_id)
            case Absent() if effect.tries >= _ABSENT_SHARE * self.most_tries:
                reason = f"sent {effect.tries} times, and each time it had not happened"
                state = EffectState.NEEDS_PERSON
                return Verdict(effect.effect_id, state, "ambiguous", reason)
            case Absent():
                reason = "looked up: it did not happen"
                return Verdict(effect.effect_id, EffectState.RETRY, "absent", reason, now)
            case Ambiguous(reason):
                state = EffectState.NEEDS_PERSON
                return Verdict(effect.effect_id, state, "ambiguous", reason)
            case _:
                due = self._again(effect.lookups, now, finding.after_s)
                state = EffectState.UNKNOWN
                return Verdict(effect.effect_id, state, "unreadable", finding.reason, due)

    def _again(self, failures: int, now: datetime, after_s: float | None) -> datetime:
        wait = full_jitter(failures + 1, self.chance)
        if after_s is not None:
            wait = after_s + wait / 10
        return now + timedelta(seconds=wait)
