"""What the sandbox needs of each fake service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.faults import FaultDial, FaultSpec
    from syncflow_dagster.sandbox.later import Later
    from syncflow_dagster.sandbox.log import WriteLog


@dataclass(frozen=True)
class World:
    """What all services of one sandbox share."""

    clock: Clock
    log: WriteLog
    faults: FaultDial
    later: Later


class Service(Protocol):
    """One fake service."""

    # `dates_itself`: its answers carry the sandbox's time as their `Date`.
    name: str
    path: str
    dates_itself: bool

    @property
    def app(self) -> ASGIApp:
        """What answers the service's requests."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """The service's well-known tokens, by kind."""

    def seed(self, document: object, source: str) -> None:
        """Add a seed's content; `source` names it in errors.

        Raises:
            ValueError: The seed is not valid; nothing was added.
        """

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings such as latency or plan.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """

    def check_fault(self, spec: FaultSpec) -> None:
        """See that the service can have this fault.

        Raises:
            ValueError: It cannot.
        """

    def reset(self) -> None:
        """Return to the seeded state."""

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""

    def state(self) -> dict[str, Any]:
        """A snapshot of what the service holds."""
