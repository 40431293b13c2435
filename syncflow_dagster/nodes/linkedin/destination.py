"""A LinkedIn account at Unipile as a destination of the ledger: one action a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from syncflow_dagster.core.outcomes import Done, Drop, Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.core.outreach.advance import INVITE_AGAIN_AFTER
from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND
from syncflow_dagster.core.pace import Pace
from syncflow_dagster.ledger.ports import (
    Effect,
    Finding,
    JobLook,
    Lookup,
    OpenJob,
    Probe,
    Reply,
    Unreadable,
)
from syncflow_dagster.nodes.linkedin.errors import KEY_TYPES, ErrorClass, Refusal
from syncflow_dagster.nodes.linkedin.port import LinkedIn, ReadFailed, Written, WrongProfile
from syncflow_dagster.nodes.linkedin.reconcile import Endless, LookupRun
from syncflow_dagster.nodes.linkedin.signals import LeadFact, Signal, SignalKind
from syncflow_dagster.nodes.linkedin.telling import signal_of, signal_of_success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.core.budget import Limit
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.own_messages import OwnMessages
    from syncflow_dagster.nodes.linkedin.shapes import Profile
    from syncflow_dagster.nodes.linkedin.signals import SignalSink

#: The least time for which an account that has done enough does no more of it.
LIMIT_S = 86_400.0
#: Until something is read again after the service has refused it for a limit.
LIMITED_READ_S = 3_600.0
#: Until a profile that could not be read is asked for again.
_AGAIN_S = 600.0
#: What an account without a subscription is told that others have: no fault of its session.
_NOT_SUBSCRIBED = frozenset({"feature_not_subscribed", "subscription_required"})
#: Classes after which nothing is asked of the account, or the tenant, until somebody has acted.
_STOPS = frozenset({ErrorClass.ACCOUNT_DOWN, ErrorClass.CONFIG, ErrorClass.UNRECOGNISED})
#: Classes that say nothing of the account: the service as a whole does not work.
_OUTAGES = frozenset({ErrorClass.NOT_SENT, ErrorClass.UNKNOWN})


class Result(NamedTuple):
    """What became of an action, and what was learnt of the lead."""

    outcome: Outcome
    fact: LeadFact | None = None


class OutreachDestination:
    """One LinkedIn account.

    An action that LinkedIn refuses as not needed, or not possible for now, is dropped and not kept
    for later: what was asked about the person before it is stale by then, and is to be asked again.

    Args:
        account: The account, as the ledger knows it.
        api: Asks LinkedIn.
        settle_s: Seconds until reads show whatever a request will still bring about.
        clock: Database time.
        sink: Told of what requests tell beside their outcome.
        own: Gives the messages of a lead that the ledger may have sent.
    """

    batch_size = 1
    job_size = 0

    def __init__(
        self,
        account: str,
        api: LinkedIn,
        *,
        settle_s: float,
        clock: Clock,
        sink: SignalSink,
        own: Callable[[int], OwnMessages],
    ) -> None:
        self.account = account
        self.settle_s = settle_s
        self._api = api
        self._clock = clock
        self._sink = sink
        self._own = own

    def pace(self) -> Pace:
        """Return one action a request."""
        return Pace.steady(1)

    def budgets(self) -> Mapping[str, Limit]:
        """Return none: caps are counted from what was sent, when an action is admitted."""
        return {}

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:  # noqa: ARG002
        """Return none."""
        return {}

    def lookup_cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:  # noqa: ARG002
        """Return none."""
        return {}

    def job_look_cost(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def look_at_job(self, job: OpenJob) -> JobLook:
        """Say that there are no jobs."""
        return JobLook(reason=f"job {job.job_id} is not known", after_s=LIMIT_S)

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:  # noqa: ARG002
        """Do one action; Unipile takes no idempotency key."""
        (effect,) = effects
        try:
            written = self._do(effect)
        except ReadFailed as error:
            return Reply({effect.effect_id: self._put_off(error).outcome})
        bucket = _bucket(effect)
        if written.refusal is None:
            signal = signal_of_success(written.usage, bucket, effect.lead_id)
            self._tell(replace(signal, chat_id=written.chat_id))
            return Reply({effect.effect_id: Done(written.id)})
        refused = _as_meant(effect, written.refusal)
        self._tell(signal_of(refused, bucket, effect.lead_id))
        result = self._refused(effect, refused)
        if result.fact is not None:
            self._tell(_learnt(effect, result))
        return Reply({effect.effect_id: result.outcome})

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Look whether these actions happened; what stops the account stops the rest of them."""
        run = LookupRun(self._api, self._own)
        findings: dict[int, Finding] = {}
        stopped: ReadFailed | None = None
        for effect in effects:
            if stopped is not None:
                findings[effect.effect_id] = Unreadable(stopped.reason)
                continue
            try:
                findings[effect.effect_id] = run.find(effect)
            except ReadFailed as error:
                self._heard(error)
                findings[effect.effect_id] = _unreadable(error)
                stopped = error if error.kind in _STOPS else None
        why = None if stopped is None else stopped.reason
        return Lookup(findings, requests=len(findings), stopped=why)

    def probe(self) -> Probe:
        """Ask for the account's state, which LinkedIn itself is not asked for."""
        try:
            self._api.account()
        except ReadFailed as error:
            self._heard(error)
            return Probe(error.reason if error.kind in _OUTAGES else None)
        return Probe()

    def _do(self, effect: Effect) -> Written:
        given = effect.payload
        person, text = str(given["provider_id"]), str(given.get("text") or "")
        match effect.kind:
            case "invite":
                return self._api.invite(person, text or None)
            case "message":
                chat = given.get("chat_id")
                return self._api.send_message(text, chat_id=chat, provider_id=person)
            case "inmail":
                subject = given.get("subject")
                return self._api.send_inmail(text, subject=subject, provider_id=person)
            case "view_profile":
                return self._api.view_profile(person)
            case "withdraw":
                return self._withdraw(given.get("invitation_id"), person, effect.lead_id)
        msg = f"effect {effect.effect_id}: no action is called {effect.kind!r}"
        raise ValueError(msg)

    def _withdraw(self, invitation: str | None, person: str, lead_id: int | None) -> Written:
        """Take an invitation back; one that we know no id of is looked for first."""
        if invitation is None:
            try:
                profile = self._api.profile(person, known_as=person, lead_id=lead_id)
                invitation = LookupRun(self._api, self._own).invitation_of(profile)
            except (WrongProfile, Endless) as error:
                raise ReadFailed(ErrorClass.UNKNOWN, f"APP: {error}") from error
        if invitation is None:
            return Written(Refusal(ErrorClass.ALREADY_DONE, "APP: no invitation is out"))
        return self._api.withdraw(invitation)

    def _refused(self, effect: Effect, refused: Refusal) -> Result:
        reason = refused.reason
        match refused.kind:
            case ErrorClass.ALREADY_DONE if effect.kind == "withdraw":
                return self._seen(effect, reason, self._after_withdrawing)
            case ErrorClass.ALREADY_DONE if effect.kind == "invite":
                return self._seen(effect, reason, self._after_inviting)
            case ErrorClass.ALREADY_DONE:
                return Result(Unknown(reason))
            case ErrorClass.ACCOUNT_LIMIT:
                return Result(Drop(reason, LIMIT_S))
            case ErrorClass.NOT_CONNECTED:
                return Result(Drop(reason), LeadFact.NOT_CONNECTED)
            case ErrorClass.LEAD_PERMANENT:
                return Result(self._reject(reason))
            case ErrorClass.NOT_SENT:
                return Result(Retry(reason, counts=False, outage=True))
            case ErrorClass.UNKNOWN:
                return Result(Unknown(reason, outage=True))
            case ErrorClass.ACCOUNT_DOWN | ErrorClass.CONFIG | ErrorClass.UNRECOGNISED:
                return Result(Stop(reason))

    def _reject(self, reason: str) -> Outcome:
        """Refuse a lead for good, unless it is the account that is not there."""
        try:
            self._api.account()
        except ReadFailed as error:
            self._heard(error)
            if error.kind is ErrorClass.ACCOUNT_DOWN:
                return Stop(error.reason)
        return Reject(reason)

    def _seen(
        self, effect: Effect, reason: str, decide: Callable[[Effect, Profile, str], Result]
    ) -> Result:
        """Let the profile decide what an answer means that says `already`, or `not there`."""
        person = str(effect.payload["provider_id"])
        try:
            profile = self._api.profile(person, known_as=person, lead_id=effect.lead_id)
            return decide(effect, profile, reason)
        except WrongProfile:
            return Result(Drop(reason), LeadFact.WRONG_PROFILE)
        except Endless as error:
            return Result(Retry(str(error), _AGAIN_S, counts=False))
        except ReadFailed as error:
            return self._put_off(error)

    def _put_off(self, error: ReadFailed) -> Result:
        """Return what becomes of an action that hangs on a read that failed."""
        self._heard(error)
        if error.kind in _STOPS:
            return Result(Stop(error.reason))
        return Result(Retry(error.reason, error.after_s or _AGAIN_S, counts=False))

    def _after_inviting(self, effect: Effect, profile: Profile, reason: str) -> Result:
        if profile.connected:
            return Result(Drop(reason), LeadFact.CONNECTED)
        if profile.invitation == "received":
            return Result(Drop(reason), LeadFact.RECEIVED)
        if profile.invitation != "sent":
            return Result(Drop(reason, INVITE_AGAIN_AFTER.total_seconds()), LeadFact.COOLDOWN)
        if effect.tries or effect.doubted:
            # Ours, from an earlier try that was not seen in time.
            return Result(Done(LookupRun(self._api, self._own).invitation_of(profile)))
        return Result(Drop(reason), LeadFact.INVITED)

    def _after_withdrawing(self, effect: Effect, profile: Profile, reason: str) -> Result:
        if profile.connected:
            return Result(Drop(reason), LeadFact.CONNECTED)
        known = effect.payload.get("invitation_id")
        listed = LookupRun(self._api, self._own).invitation_of(profile)
        if listed is not None and listed != known:
            payload = {**effect.payload, "invitation_id": listed}
            return Result(Retry(reason, payload=payload))
        if listed is not None or profile.invitation == "sent":
            # Still out: looked up once more, and sent again then.
            return Result(Unknown(reason, _AGAIN_S))
        # Declined, expired, or taken back by hand: nothing is out, which is what was wanted.
        return Result(Done(known))

    def _heard(self, error: ReadFailed) -> None:
        if error.signal is not None:
            self._tell(error.signal)

    def _tell(self, signal: Signal) -> None:
        self._sink.heard(self.account, signal, self._clock.now())


def _bucket(effect: Effect) -> Bucket:
    return BUCKET_OF_KIND[effect.kind]


def _as_meant(effect: Effect, refused: Refusal) -> Refusal:
    """Read an answer as it is meant for this kind of action.

    An id that is not known may be that of an invitation that is gone; for InMails an account may
    lack the subscription, and does everything else.
    """
    if effect.kind == "inmail" and refused.slug in _NOT_SUBSCRIBED:
        return replace(refused, kind=ErrorClass.ACCOUNT_LIMIT)
    unknown_id = refused.kind in {ErrorClass.LEAD_PERMANENT, ErrorClass.CONFIG}
    if effect.kind == "withdraw" and unknown_id and refused.slug not in KEY_TYPES:
        return replace(refused, kind=ErrorClass.ALREADY_DONE)
    return refused


def _learnt(effect: Effect, result: Result) -> Signal:
    assert isinstance(result.outcome, Drop)
    reason = result.outcome.reason
    kind = SignalKind.LEAD
    return Signal(
        kind, "lead", _bucket(effect), reason, result.outcome.after_s, None, result.fact,
        effect.lead_id,
    )  # fmt: skip


def _unreadable(error: ReadFailed) -> Unreadable:
    is_outage = error.kind in _OUTAGES and error.signal is not None
    used_up = error.kind is ErrorClass.ACCOUNT_LIMIT
    return Unreadable(error.reason, LIMITED_READ_S if used_up else error.after_s, is_outage)
