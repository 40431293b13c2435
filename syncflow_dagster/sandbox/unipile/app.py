"""The fake Unipile as one service of the sandbox: `/api/v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route

from syncflow_dagster.sandbox.unipile import chats, gateway, invitations, messaging, tenant, users
from syncflow_dagster.sandbox.unipile.people_runtime import bring_to_life
from syncflow_dagster.sandbox.unipile.runtime import SERVICE, Runtime
from syncflow_dagster.sandbox.unipile.seed import parse_seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.service import World

_ROOT = "/api/v1"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class UnipileService:
    """A tenant at Unipile with its LinkedIn accounts."""

    name = SERVICE
    path = ""
    dates_itself = True

    def __init__(self, world: World) -> None:
        self._runtime = Runtime(world)
        self._runtime.on_answer.append(bring_to_life(self._runtime).answered)
        way = gateway.Gateway(self._runtime)
        # Where two have the form of a path, the first is taken.
        table = [
            *tenant.ROUTES,
            *invitations.ROUTES,
            *users.ROUTES,
            *messaging.ROUTES,
            *chats.ROUTES,
        ]
        routes = [Route(_ROOT + one.path, way.endpoint(one), methods=[one.method]) for one in table]
        rest = Route("/{rest:path}", gateway.no_route, methods=_METHODS)
        self.app = Starlette(routes=[*routes, rest])

    @property
    def tokens(self) -> Mapping[str, str]:
        """The tenant's key, which goes into `X-API-KEY`."""
        return {"key": gateway.KEY}

    def seed(self, document: object, source: str) -> None:
        """Add a seed's accounts and people.

        Raises:
            ValueError: The seed is not valid, or does not fit what is there.
        """
        self._runtime.add_seed(parse_seed(document, source), source)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings (see `Settings`), and do the deeds among them.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        self._runtime.configure(self._runtime.settings.changed(settings))

    def check_fault(self, spec: FaultSpec) -> None:
        """See that Unipile can have a fault.

        Raises:
            ValueError: It cannot.
        """
        gateway.check_fault(spec)

    def reset(self) -> None:
        """Return to the seeded state."""
        self._runtime.reset()

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""
        runtime = self._runtime
        return {
            **{name: runtime.counts[name] for name in ("requests", "unauthorized")},
            "throttled_injected": runtime.counts["throttled_injected"],
            "operations": dict(runtime.operations),
            "statuses": {str(status): number for status, number in runtime.statuses.items()},
            **{name: part() for name, part in runtime.more_stats.items()},
        }

    def state(self) -> dict[str, Any]:
        """The truth about people and accounts, for the judge: see `truth`."""
        return {name: part() for name, part in self._runtime.truth.items()}
