"""What became of one effect, grouped by what has to be done next.

Every destination maps its service's answers to these classes in one module, as a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Done:
    """The service confirmed the effect.

    Attributes:
        remote_id: Id of the object at the service, where the effect made or found one.
        replayed: The service recognised the request as one it had seen, and repeated its answer.
    """

    remote_id: str | None = None
    replayed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """Surely not applied; may be sent again after a pause.

    Attributes:
        reason: What the service said.
        after_s: Seconds to wait as asked by the service; None lets the back-off rule decide.
        counts: False where the wait costs the effect no attempt (a limit, not a failure).
        payload: What to send instead, where it may not be sent as it is.
        limit: Name of the budget that is used up, where the service says so.
        outage: The service as a whole did not work; this request is not to blame.
        no_job: A bulk job is no way for it; from now on it goes in an ordinary request.
    """

    reason: str
    after_s: float | None = None
    counts: bool = True
    payload: Mapping[str, Any] | None = None
    limit: str | None = None
    outage: bool = False
    no_job: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """May or may not have been applied; must be looked up before anything is sent again.

    Attributes:
        reason: What happened.
        after_s: Seconds the service asks to wait before it is looked up, if it does.
        counts: False where the service is still at work on an earlier try of the same request.
        same_key: If it is sent again, the service can still tell it by its idempotency key: no
            answer has been kept for the key, as far as we know.
        outage: The service as a whole did not work; this request is not to blame.
    """

    reason: str
    after_s: float | None = None
    counts: bool = True
    same_key: bool = False
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """This record will never be accepted as it is; the others go on.

    Attributes:
        reason: What the service said.
        gone: Whether the object to be changed is no longer at the service.
    """

    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more may be sent on this account or workflow until somebody acts.

    The effect itself was not applied and keeps its place.

    Attributes:
        reason: What the service said.
        limit: Name of the budget that is used up, if that is all: it ends by itself.
        after_s: Seconds until it does, if the service says so.
    """

    reason: str
    limit: str | None = None
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Surely not applied, and not needed as it was planned: it is taken back.

    Attributes:
        reason: Why.
        after_s: Seconds until what wanted it may want it again; None for at once.
    """

    reason: str
    after_s: float | None = None


Outcome = Done | Retry | Unknown | Reject | Stop | Drop


def outage_of(outcome: Outcome) -> str | None:
    """Return why the service as a whole did not work, if that is what an outcome says."""
    if isinstance(outcome, Retry | Unknown) and outcome.outage:
        return outcome.reason
    return None
