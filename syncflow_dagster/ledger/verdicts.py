"""From an outcome or a finding to the new state of an effect: the ledger's own rules, pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.backoff import Random, full_jitter
from syncflow_dagster.core.outcomes import Done, Drop, Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.ports import (
    Ambiguous,
    Finding,
    Found,
    NotApplied,
    Unreadable,
    Unseen,
    Untold,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.ledger.ports import Effect


@dataclass(frozen=True, slots=True)
class Verdict:
    """The new state of one effect.

    Attributes:
        outcome: Word for the attempt's log.
        reason: What the service said, or what we found.
        not_before: When to take it up again.
        remote_id: The service's id of the object, where it is known now.
        counts: Whether the attempt counts among the effect's tries.
        gone: Whether the object turned out to be no longer at the service.
        payload: What is sent from now on, if not what was sent before.
        same_key: Whether the service can tell it by its idempotency key if it is sent again.
        doubted: Whether it was not there when it was looked up, though it may come late.
        no_job: Whether it goes in an ordinary request from now on.
        unseen: Whether it could have shown when it was looked up, and did not.
    """

    effect_id: int
    state: EffectState
    outcome: str
    reason: str | None = None
    not_before: datetime | None = None
    remote_id: str | None = None
    counts: bool = True
    gone: bool = False
    payload: Mapping[str, Any] | None = None
    same_key: bool = False
    doubted: bool = False
    no_job: bool = False
    unseen: bool = False


#: Seconds within which a limit is met again that does not say when it ends. It costs no try, so
#: the pauses between do not grow.
_LIMIT_S = (2.0, 5.0)
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
            case Done(remote_id, replayed) if effect.doubted and effect.creates and not replayed:
                return self._doubtful(effect, remote_id, now)
            case Done(remote_id):
                return Verdict(effect.effect_id, EffectState.DONE, "done", remote_id=remote_id)
            case Unknown(reason, after_s, counts, same_key):
                due = now + timedelta(seconds=max(self.settle_s, after_s or 0.0))
                return Verdict(
                    effect.effect_id,
                    EffectState.UNKNOWN,
                    "unknown",
                    reason,
                    due,
                    counts=counts,
                    same_key=same_key,
                )
            case Drop(reason, after_s):
                wanted = None if after_s is None else now + timedelta(seconds=after_s)
                return Verdict(effect.effect_id, EffectState.CANCELLED, "dropped", reason, wanted)
            case Reject(reason, gone):
                return Verdict(effect.effect_id, EffectState.DEAD, "rejected", reason, gone=gone)
            case Stop(reason):
                return Verdict(
                    effect.effect_id, EffectState.RETRY, "stop", reason, now, counts=False
                )
            case Retry():
                return self._again_later(effect, outcome, now)

    def after_looking(self, effect: Effect, finding: Finding, now: datetime) -> Verdict:
        """Return the new state of an UNKNOWN effect the service has been asked about."""
        match finding:
            case Ambiguous(reason):
                state = EffectState.NEEDS_PERSON
                return Verdict(effect.effect_id, state, "ambiguous", reason)
            case Unreadable(reason, after_s):
                due = self._again(effect.lookups, now, after_s)
                return Verdict(effect.effect_id, EffectState.UNKNOWN, "unreadable", reason, due)
            case Unseen(reason, after_s) if effect.remote_id is None:
                due = self._again(effect.lookups, now, after_s)
                state = EffectState.UNKNOWN
                return Verdict(effect.effect_id, state, "unseen", reason, due, unseen=True)
            case Untold(reason):
                # What the job did last may not show in reads yet.
                due, state = now + timedelta(seconds=self.settle_s), EffectState.UNKNOWN
                return Verdict(effect.effect_id, state, "untold", reason, due, no_job=True)
            case NotApplied(reason, no_job):
                verdict = self._not_by_job(effect, reason, now, no_job=no_job)
                # That no file came shows by the clock only.
                return replace(verdict, doubted=not no_job)
            case _ if effect.remote_id is not None:
                return self._after_second_look(effect, finding)
            case Found(remote_id):
                return Verdict(effect.effect_id, EffectState.DONE, "found", remote_id=remote_id)
            case _ if effect.tries >= _ABSENT_SHARE * self.most_tries:
                reason = f"sent {effect.tries} times, and each time it had not happened"
                state = EffectState.NEEDS_PERSON
                return Verdict(effect.effect_id, state, "ambiguous", reason)
            case _:
                return Verdict(
                    effect.effect_id,
                    EffectState.RETRY,
                    "absent",
                    "looked up: it did not happen",
                    now,
                    same_key=True,
                    doubted=True,
                )

    def _again_later(self, effect: Effect, outcome: Retry, now: datetime) -> Verdict:
        """Return the state of an effect that was surely not applied and may be sent again."""
        number, reason, after_s = effect.effect_id, outcome.reason, outcome.after_s
        if outcome.no_job:
            return self._not_by_job(effect, reason, now, no_job=True)
        if outcome.payload is not None:
            again, payload = EffectState.RETRY, outcome.payload
            return Verdict(number, again, "amended", reason, now, counts=False, payload=payload)
        if not outcome.counts and not after_s and not outcome.outage:
            after_s = self.chance.uniform(*_LIMIT_S)
        if outcome.counts and effect.tries + 1 >= self.most_tries:
            text = f"gave up after {effect.tries + 1} tries: {reason}"
            return Verdict(number, EffectState.DEAD, "rejected", text)
        due = self._again(effect.tries, now, after_s)
        return Verdict(number, EffectState.RETRY, "retry", reason, due, counts=outcome.counts)

    def _not_by_job(self, effect: Effect, reason: str, now: datetime, *, no_job: bool) -> Verdict:
        """Return the state of an effect that a bulk job surely did not apply."""
        # A second job that fails is no accident.
        no_job = no_job or effect.tries > 1
        text = f"not by a bulk job: {reason}"
        state = EffectState.RETRY
        return Verdict(
            effect.effect_id, state, "retry", text, now, counts=not no_job, no_job=no_job
        )

    def _doubtful(self, effect: Effect, remote_id: str | None, now: datetime) -> Verdict:
        """Return the state of a create that succeeded, but not at its first try.

        The service may apply the first one too, late. So its key is looked up once more, after
        the time in which that shows, before anything is built on it.
        """
        due = now + timedelta(seconds=self.settle_s)
        reason = f"made as {remote_id}; looked up once more, as an earlier try may come late"
        return Verdict(
            effect.effect_id, EffectState.UNKNOWN, "doubtful", reason, due, remote_id=remote_id
        )

    def _after_second_look(self, effect: Effect, finding: Finding) -> Verdict:
        """Return the state of a create the service has confirmed, looked up for a second one."""
        known = effect.remote_id
        if isinstance(finding, Found) and finding.remote_id not in {None, known}:
            reason = f"made as {known}, but what carries its key is {finding.remote_id}"
            return Verdict(effect.effect_id, EffectState.NEEDS_PERSON, "ambiguous", reason)
        # Not shown any more is no reason to make it again: it was there.
        return Verdict(effect.effect_id, EffectState.DONE, "found", remote_id=known)

    def _again(self, failures: int, now: datetime, after_s: float | None) -> datetime:
        wait = full_jitter(failures + 1, self.chance)
        if after_s is not None:
            wait = after_s + wait / 10
        return now + timedelta(seconds=wait)


def together(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Let effects that wait for another job come due at once, or each would get one of its own."""
    again = [one.not_before for one in verdicts if one.state == EffectState.RETRY]
    latest = max((moment for moment in again if moment is not None), default=None)
    return [
        replace(one, not_before=latest) if one.state == EffectState.RETRY else one
        for one in verdicts
    ]
