"""What the ledger asks of a destination, and what it gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from syncflow_dagster.core.outcomes import outage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from syncflow_dagster.core.budget import Limit, Reading
    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.core.pace import Pace


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """One intended change, not yet in the ledger.

    Attributes:
        effect_key: Deterministic and unique: planning the same change twice gives the same key.
        kind: What to do, in the destination's words, for example `create_item`.
        pass_number: Which pass of the push it belongs to, from 1.
        object_key: The object it makes or changes, in our words.
        creates: Whether it makes the object.
        payload: What to send; JSON values only.
        parent_key: Object that must exist first.
        generation: Counts the lives of the object: a record that comes back has a new one.
        delta_table: Table of the delta row it serves.
        delta_id: Id of the delta row it serves; None for an object several rows share.
        customer: Whose record it is.
        refused: Why it can never be sent; such an effect is dead from the start.
        question: What a person has to decide before it may be sent.
        lead_id: The lead whose action it is, if it is one.
    """

    effect_key: str
    kind: str
    pass_number: int
    object_key: str
    creates: bool
    payload: Mapping[str, Any]
    parent_key: str | None = None
    generation: int = 1
    delta_table: str | None = None
    delta_id: int | None = None
    customer: str | None = None
    refused: str | None = None
    question: str | None = None
    lead_id: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect of the ledger, as a destination sees it.

    Attributes:
        target_id: The service's id of the object to change; None for a create.
        parent_id: The service's id of the parent object, if there is one.
        tries: How often it was sent, as far as that counts.
        lookups: How often it was looked up in vain.
        remote_id: The service's id of what it made, where the service has confirmed it already.
        key: Idempotency key it was sent under, where the service can still tell it by that.
        key_size: How many effects that request carried.
        doubted: Once it was sent, and not found when it was looked up: it may come late.
        bulk: Whether it goes in a bulk job.
        line: Its line in the file of the job it was last sent in, from 1.
        unseen: How often it could have shown when it was looked up, and did not, since it was last
            sent.
        lead_id: The lead whose action it is, if it is one.
        sent_at: When its intent was last committed.
    """

    effect_id: int
    effect_key: str
    kind: str
    object_key: str
    creates: bool
    payload: Mapping[str, Any]
    target_id: str | None
    parent_id: str | None
    tries: int = 0
    lookups: int = 0
    remote_id: str | None = None
    key: UUID | None = None
    key_size: int = 0
    doubted: bool = False
    bulk: bool = False
    line: int | None = None
    unseen: int = 0
    lead_id: int | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """What came of giving a bulk job its file.

    Attributes:
        outcomes: Outcome of each effect of the job, by effect id; `Unknown` where only the job can
            tell.
        stored: The service confirmed that it has the file.
        spent: Units the file cost, by budget.
        look_after_s: Seconds until the job may be asked for.
    """

    outcomes: Mapping[int, Outcome]
    stored: bool
    spent: Mapping[str, int]
    look_after_s: float


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A bulk job the service has opened, and that has no file yet.

    Attributes:
        job_id: The service's id of it.
        cost: What of the request's cost is for the file, by budget; settled after the upload.
        upload: Gives it its file, line n for the n-th effect of the request.
    """

    job_id: str
    cost: Mapping[str, int]
    upload: Callable[[], Upload]


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A bulk job whose effects wait for its outcome.

    Attributes:
        job_id: The service's id of it.
        lines: Lines of its file.
        stored: The service confirmed that it has the file.
        failures: Times it was asked for in vain though it has ended.
        age_s: Seconds since it was opened.
    """

    job_id: str
    lines: int
    stored: bool
    failures: int
    age_s: float


@dataclass(frozen=True, slots=True)
class JobLook:
    """What a look at a bulk job showed.

    Attributes:
        findings: One for each line of its file; None where nothing is decided yet.
        reason: Why not.
        after_s: Seconds until it may be asked for again.
        failed: It has ended, but was asked for in vain.
        outage: Why the service as a whole did not work, if so.
        stopped: Why nothing more may be asked on this account until somebody acts, if so.
        readings: What the service said about its budgets.
        spent: Units the look really cost, by budget; missing where unknown.
    """

    findings: Mapping[int, Finding] | None = None
    reason: str = ""
    after_s: float = 0.0
    failed: bool = False
    outage: str | None = None
    stopped: str | None = None
    readings: Sequence[Reading] = ()
    spent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request.

    Attributes:
        outcomes: Outcome of each effect of the request, by effect id.
        readings: What the service said about its budgets.
        spent: Units the request really cost, by budget; missing where unknown.
        refused_whole: The service refused the request as a whole and applied none of it,
            without saying which effect is at fault.
        review: Gives the outcomes after another look, which may send requests of its own; called
            once what this request had set aside is given back.
        job: The bulk job that was opened for the effects; its file goes up only once it is written
            down whose it is.
        asked: Whether anything was asked of the service at all.
    """

    outcomes: Mapping[int, Outcome]
    readings: Sequence[Reading] = ()
    spent: Mapping[str, int] = field(default_factory=dict)
    refused_whole: bool = False
    review: Callable[[], Mapping[int, Outcome]] | None = None
    job: BulkJob | None = None
    asked: bool = True

    @property
    def outage(self) -> str | None:
        """Why the service as a whole did not work, if so."""
        return next((text for one in self.outcomes.values() if (text := outage_of(one))), None)


@dataclass(frozen=True, slots=True)
class Found:
    """The effect did happen."""

    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The effect did not happen, provided the service's reads have caught up."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The effect does not show, and that is not believed yet: it is to be looked up once more.

    Attributes:
        after_s: Seconds until then.
    """

    reason: str
    after_s: float


@dataclass(frozen=True, slots=True)
class NotApplied:
    """The bulk job it was in surely did not apply it, and never will.

    Attributes:
        no_job: A job is no way for it; from now on it goes in an ordinary request.
    """

    reason: str
    no_job: bool = True


@dataclass(frozen=True, slots=True)
class Untold:
    """The bulk job it was in has ended without a word on it; it is to be looked up by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The service shows something we cannot read as either; a person has to look."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The service could not be asked; the question stays open.

    Attributes:
        after_s: Seconds to wait before asking again, if the service said so.
        outage: The service as a whole did not work.
    """

    reason: str
    after_s: float | None = None
    outage: bool = False


Finding = Found | Absent | Unseen | NotApplied | Untold | Ambiguous | Unreadable


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the service showed of some effects.

    Attributes:
        findings: One for each effect asked about, by effect id.
        requests: Requests it took.
        readings: What the service said about its budgets.
        stopped: Why nothing more may be asked on this account until somebody acts, if so.
        spent: Units it really cost, by budget; missing where unknown.
    """

    findings: Mapping[int, Finding]
    requests: int = 1
    readings: Sequence[Reading] = ()
    stopped: str | None = None
    spent: Mapping[str, int] = field(default_factory=dict)

    @property
    def outage(self) -> str | None:
        """Why the service as a whole did not work, if so."""
        for finding in self.findings.values():
            if isinstance(finding, Unreadable) and finding.outage:
                return finding.reason
        return None


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking whether the service is there.

    Attributes:
        outage: Why the service as a whole did not work, if so.
        cost: What it cost, by budget.
        readings: What the service said about its budgets.
    """

    outage: str | None = None
    cost: Mapping[str, int] = field(default_factory=dict)
    readings: Sequence[Reading] = ()


class Destination(Protocol):
    """An account at a service that effects are sent to. One adapter per service.

    Neither method raises for what the service does: every answer, and no answer, is an outcome.
    """

    @property
    def account(self) -> str:
        """Name of the account; its budgets are shared under it."""
        ...

    @property
    def settle_s(self) -> float:
        """Seconds after a request until reads show whatever it will still bring about."""
        ...

    @property
    def batch_size(self) -> int:
        """Effects one request may carry at most."""
        ...

    @property
    def job_size(self) -> int:
        """Effects one bulk job may carry at most; 0 where the service takes none."""
        ...

    def pace(self) -> Pace:
        """Return how many effects a request carries to begin with, and how that may grow."""
        ...

    def budgets(self) -> Mapping[str, Limit]:
        """Return the budgets to begin with, by name; used until the service says better."""
        ...

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what one request with these effects costs, by budget name."""
        ...

    def lookup_cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what looking these effects up costs, by budget name."""
        ...

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:
        """Send the effects in one request; `request_id` serves as idempotency key.

        The same effects come again under the same key where no answer came to the first try.
        Effects that go in a bulk job come alone, all with the same parent.
        """
        ...

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Ask the service whether these effects happened, in as few requests as it takes."""
        ...

    def job_look_cost(self) -> Mapping[str, int]:
        """Return what asking for a bulk job costs, by budget name."""
        ...

    def look_at_job(self, job: OpenJob) -> JobLook:
        """Ask the service, in one request, how far a bulk job is and what became of its lines."""
        ...

    def probe(self) -> Probe:
        """Ask the service one cheap question, to learn whether it is there."""
        ...
