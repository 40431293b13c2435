"""The numbers of a node: funnel, limits, what is stuck, what is not known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.buckets import Buckets
from syncflow_dagster.nodes.linkedin.caps import Caps
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.report import Statistics, Usage
from syncflow_dagster.nodes.linkedin.sweep import stuck_leads
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.workflows.models import LinkedInAccount


def statistics(run: OutreachRun) -> Statistics:
    """Return the numbers of a node."""
    queries = sql.load("outreach_care")
    names: dict[str, Any] = {"workflow": run.workflow.workflow, "node": run.node.name}
    accounts = {ledger_account(run.connection, one): one for one in run.node.accounts}
    unknown = run.database.fetch_one(queries["unknown"], names)
    assert unknown is not None
    states = run.database.fetch_all(queries["states"], names)
    told = {**names, "accounts": list(accounts)}
    return Statistics(
        funnel=run.database.fetch_all(queries["funnel"], names),
        states=Counter({row["state"]: row["leads"] for row in states}),
        usage=[one for name, settings in accounts.items() for one in _usage(run, name, settings)],
        stuck=stuck_leads(run, run.clock.now()),
        unknown=unknown["effects"],
        unknown_since=unknown["since"],
        accounts=run.database.fetch_all(queries["accounts"], told),
    )


def _usage(run: OutreachRun, account: str, settings: LinkedInAccount) -> list[Usage]:
    """Return how much of the limits of an account is used; nothing if it has no leads."""
    now = run.clock.now()
    with run.database.transaction() as conn:
        known = AccountStore(run.database).read_in(conn, account)
        if known is None:
            return []
        circuits = Buckets(run).circuits(conn, account)
        rooms = Caps(settings).rooms(conn, known, now)
    usage = []
    for room in rooms:
        circuit = circuits.get(room.bucket)
        is_open = circuit is not None and circuit.open_until is not None
        usage.append(
            Usage(
                account,
                room.bucket,
                room.window,
                room.used,
                room.allowed,
                None if room.free_at <= now else room.free_at,
                circuit.open_until if circuit is not None else None,
                circuit.reason if circuit is not None and is_open else None,
            )
        )
    return usage
