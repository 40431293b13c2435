"""What became of one effect, grouped by what has to be done next.

Every destination maps its service's answers to these classes in one module, as a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Done:
    """The service confirmed the effect.

    Attributes:
        remote_id: Id of the object at the service, where the effect made or found one.
    """

    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Surely not applied; may be sent again after a pause.

    Attributes:
        reason: What the service said.
        after_s: Seconds to wait as asked by the service; None lets the back-off rule decide.
        counts: False where the wait costs the effect no attempt (a limit, not a failure).
        payload: What to send instead, where it may not be sent as it is.
    """

    reason: str
    after_s: float | None = None
    counts: bool = True
    payload: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """May or may not have been applied; must be looked up before anything is sent again."""

    reason: str


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
class Wait:
    """The object this effect hangs on is not there."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more may be sent on this account or workflow until somebody acts.

    The effect itself was not applied and keeps its place.
    """

    reason: str


Outcome = Done | Retry | Unknown | Reject | Wait | Stop
