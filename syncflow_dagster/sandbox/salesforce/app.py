"""The fake Salesforce org as one service of the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from syncflow_dagster.sandbox.salesforce import (
    composite_routes,
    describe,
    drawn,
    keys,
    replication,
    rest_limits,
    rest_query,
    rest_records,
    sessions,
)
from syncflow_dagster.sandbox.salesforce.bulk_routes import Bulk
from syncflow_dagster.sandbox.salesforce.call import JSON_TYPE
from syncflow_dagster.sandbox.salesforce.composite import Composite
from syncflow_dagster.sandbox.salesforce.duplicates import duplicate_rule
from syncflow_dagster.sandbox.salesforce.gateway import NEWEST, OLDEST, Dated, Gateway
from syncflow_dagster.sandbox.salesforce.locks import Locks
from syncflow_dagster.sandbox.salesforce.oauth import TokenEndpoint
from syncflow_dagster.sandbox.salesforce.pairs import pair_rule
from syncflow_dagster.sandbox.salesforce.records import SERVICE
from syncflow_dagster.sandbox.salesforce.routes import Routes
from syncflow_dagster.sandbox.salesforce.runtime import Runtime
from syncflow_dagster.sandbox.salesforce.seed import parse_seed
from syncflow_dagster.sandbox.salesforce.soap import SoapLogin
from syncflow_dagster.sandbox.salesforce.users import INTEGRATION, RESTRICTED
from syncflow_dagster.sandbox.salesforce.values import rest_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
    from syncflow_dagster.sandbox.service import World

_SEASONS = ("Winter", "Spring", "Summer")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class SalesforceService:
    """Salesforce: `/services/data/vXX.X/...`, `/services/oauth2/token`, `/services/Soap/u/XX.X`."""

    name = SERVICE
    path = ""
    dates_itself = True

    def __init__(self, world: World) -> None:
        self._runtime = Runtime(world)
        locks = Locks()
        self._runtime.org.rules += [pair_rule, duplicate_rule, locks]
        self._runtime.on_reset.append(locks.clear)
        self._bulk = Bulk(self._runtime)
        self._table = Routes(self._routes())
        gateway = Gateway(self._runtime, self._table)
        dated = Dated(self._runtime).around
        token, soap = TokenEndpoint(self._runtime), SoapLogin(self._runtime)
        self.app = Starlette(
            routes=[
                Route("/services/oauth2/token", dated(token.answer), methods=["POST"]),
                Route("/services/Soap/u/{version}", dated(soap.answer), methods=["POST"]),
                Route("/services/data", dated(_versions), methods=["GET"]),
                Route("/services/data/", dated(_versions), methods=["GET"]),
                Route("/{rest:path}", dated(gateway.answer), methods=_METHODS),
            ]
        )

    def _routes(self) -> list[ApiRoute]:
        """Every operation; where two have the form of a path, the first is taken."""
        return [
            *rest_query.ROUTES,
            *describe.ROUTES,
            *replication.ROUTES,
            *rest_records.ROUTES,
            *rest_limits.ROUTES,
            *composite_routes.ROUTES,
            *Composite(lambda: self._table).routes,
            *self._bulk.routes,
        ]

    @property
    def tokens(self) -> Mapping[str, str]:
        """What to log in with: for the integration user, and for one who sees less."""
        full, less = sessions.APPS.values()
        return {
            "client_id": full.client_id,
            "client_secret": full.secret,
            "username": INTEGRATION.username,
            "password": sessions.PASSWORD,
            "security_token": sessions.SECURITY_TOKEN,
            "session": sessions.SESSION,
            "refresh_token": sessions.REFRESH_TOKEN,
            "jwt_private_key": keys.private_pem(),
            "restricted_client_id": less.client_id,
            "restricted_client_secret": less.secret,
            "restricted_username": RESTRICTED.username,
            "restricted_session": sessions.RESTRICTED_SESSION,
        }

    def seed(self, document: object, source: str) -> None:
        """Add a seed's records and people.

        Raises:
            SalesforceSeedError: The seed is not valid; nothing was added.
        """
        self._runtime.add_seed(parse_seed(document, source), source)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings (see `Settings`), and do the edits among them.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        self._runtime.configure(self._runtime.settings.changed(settings))

    def check_fault(self, spec: FaultSpec) -> None:
        """See that Salesforce can have a fault.

        Raises:
            ValueError: It cannot.
        """
        drawn.check(spec)

    def reset(self) -> None:
        """Return to the seeded state."""
        self._runtime.reset()

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""
        runtime = self._runtime
        names = ("requests", "unauthorized", "throttled", "throttled_injected")
        logins = ("logins", "logins_refused")
        return {
            **{name: runtime.counts[name] for name in names + logins},
            "api_usage": runtime.used,
            "operations": dict(runtime.operations),
            "statuses": {str(status): number for status, number in runtime.statuses.items()},
            **{name: part() for name, part in runtime.more_stats.items()},
        }

    def state(self) -> dict[str, Any]:
        """All records, in the bin or not, as the newest write left them, and the seeds' truth."""
        self._runtime.settle()
        tables = self._runtime.org.tables
        records = {
            name: [_shown(one) for one in table.latest.values()] for name, table in tables.items()
        }
        return {"records": records, "truth": self._runtime.truth}


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: rest_value(value) for name, value in record.items() if value is not None}


async def _versions(_request: Request) -> Response:
    """`GET /services/data`: three versions a year; nobody has to be known for it."""
    shown = []
    for number in range(OLDEST, NEWEST + 1):
        season = _SEASONS[(number - 41) % 3]
        year = 18 + (number - 41) // 3
        url = f"/services/data/v{number}.0"
        shown.append({"label": f"{season} '{year:02d}", "url": url, "version": f"{number}.0"})
    return Response(json.dumps(shown), media_type=JSON_TYPE)
