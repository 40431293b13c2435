"""What a dry run would send now: nothing is planned, no lead is moved, nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.advance import Action
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.caps import Caps
from syncflow_dagster.nodes.linkedin.report import Intended
from syncflow_dagster.nodes.linkedin.turn_look import decide
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.report import TurnReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

#: Leads a dry run looks at.
_MOST = 100


def tell(run: OutreachRun, account: str, report: TurnReport) -> None:
    """Tell what would go now, as far as the account's limits have room for it."""
    now = run.clock.now()
    queries = sql.load("outreach_turn")
    settings = run.account(account)
    with run.database.transaction() as conn:
        known = AccountStore(run.database).read_in(conn, account)
        assert known is not None
        rooms = Caps(settings).rooms(conn, known, now)
        given = {
            "account": account,
            "workflow": run.workflow.workflow,
            "node": run.node.name,
            "now": now,
            "limit": _MOST,
        }
        ids = [row["lead_id"] for row in conn.execute(queries["unapproved"], given)]
        left: dict[Bucket, int] = {}
        for room in rooms:
            free = max(0, room.allowed - room.used)
            left[room.bucket] = min(left.get(room.bucket, free), free)
        for lead in run.leads.read_in(conn, ids).values():
            report.looked_at += 1
            due = decide(run, settings, _as_approved(lead), now)
            if not isinstance(due, Action) or left[BUCKET_OF_KIND[due.kind]] < 1:
                continue
            left[BUCKET_OF_KIND[due.kind]] -= 1
            place = {"lead_id": lead.lead_id, "step": due.step}
            text = conn.execute(queries["text_of"], place).fetchone()
            said = None if text is None or due.kind == "withdraw" else text["text"]
            report.would.append(Intended(lead.lead_id, due.step, due.kind, said))


def _as_approved(lead: Lead) -> Lead:
    waits = lead.state == LeadState.AWAITING_APPROVAL
    return replace(lead, state=LeadState.PENDING_INVITE) if waits else lead
