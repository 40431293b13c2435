"""Bringing a simulation's people to where time can go by: listed, enrolled, approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.nodes.linkedin.approval import acknowledge, approve
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.polls import poll
from syncflow_dagster.nodes.linkedin.preview import make_preview
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.testing.outreach.driver import outreach_run

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.report import EnrolReport
    from syncflow_dagster.testing.outreach.world import OutreachWorld

_BY = By("Dana Reyes", "simulated")


def begin(world: OutreachWorld) -> EnrolReport:
    """Enrol everybody the delta has found, and approve it all."""
    report = outreach_run(world.database, world.clock, world.loaded, world.environ, 0).enrol()
    approve_all(world)
    return report


def list_people(world: OutreachWorld) -> None:
    """Let the delta find the people of the sandbox's list."""
    import pyarrow as pa

    listed = [one["listed"] for one in world.truth()["people"].values() if "listed" in one]
    rows = pa.RecordBatch.from_pylist(
        [
            {
                "address": one["linkedin_url"],
                "first_name": one["first_name"],
                "last_name": one["last_name"],
                "company": one["company"],
            }
            for one in listed
        ]
    )
    (delta,) = world.loaded.workflow.deltas
    name = world.loaded.workflow.workflow
    source = GivenRows([rows])
    build_delta(world.database, name, delta, source, parent=None, clock=world.clock)


def approve_all(world: OutreachWorld) -> int:
    """Accept each account's risk and approve its texts; return how many leads go on."""
    (node,) = world.loaded.workflow.linkedin_steps
    run = outreach_run(world.database, world.clock, world.loaded, world.environ, 0)
    leads = 0
    for account in node.accounts:
        acknowledge(world.database, world.clock, world.loaded, account.name, _BY)
        # Texts may name the account's owner, who is asked for first.
        poll(run, ledger_account(run.connection, account))
        shown = make_preview(world.database, world.clock, world.loaded, node, account)
        if shown.leads:
            given = (world.database, world.clock, world.loaded, shown.batch_hash, _BY)
            leads += approve(*given).leads
    return leads
