"""What people do by hand for which the lead's node is needed, or LinkedIn is asked at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.advance import Action
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.effects import EffectStore
from syncflow_dagster.ledger.ports import Found
from syncflow_dagster.ledger.worker import Busy, only_one
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.admission import Admission
from syncflow_dagster.nodes.linkedin.api import ReadFailed
from syncflow_dagster.nodes.linkedin.caps import Caps
from syncflow_dagster.nodes.linkedin.detection import Detection
from syncflow_dagster.nodes.linkedin.guards import check_before
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.interventions import Interventions, NotPossible, on_lead
from syncflow_dagster.nodes.linkedin.own_messages import own_messages
from syncflow_dagster.nodes.linkedin.reconcile import LookupRun
from syncflow_dagster.nodes.linkedin.report import TurnReport
from syncflow_dagster.nodes.linkedin.turn_act import Actor
from syncflow_dagster.nodes.linkedin.turn_due import DueLeads
from syncflow_dagster.nodes.linkedin.turn_facts import take_in
from syncflow_dagster.nodes.linkedin.turn_plan import Planner
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin.guards import Facts
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def mark_connected(run: OutreachRun, lead_id: int, by: By, evidence: str) -> str:
    """Say that a lead is connected, as somebody has seen.

    Args:
        run: The lead's node.
        lead_id: The lead.
        by: Who says so, and why.
        evidence: Where that can be seen, such as an address; it is noted.

    Raises:
        NotPossible: It is known already, or the lead is at an end that it does not come back from.
    """
    with on_lead(run.database, run.clock, lead_id, "mark-connected", by) as at:
        at.details["evidence"] = evidence
        if at.lead.connected_at is not None:
            at.refuse("it is known to be connected")
        word = Detection(run).connect(at.conn, at.lead, at.now, at.now, "person")
    if word is Word.LATE:
        return f"lead {lead_id} is noted as connected; its campaign is over for it"
    return f"lead {lead_id} is connected"


def reconcile(run: OutreachRun, lead_id: int, by: By) -> str:
    """Ask LinkedIn at once whether the action of a lead that is in question was sent.

    One that waits for a person is settled where it is found; that it is not found settles nothing.

    Raises:
        NotPossible: None of its actions is in question, or LinkedIn could not be asked.
    """
    with on_lead(run.database, run.clock, lead_id, "reconcile", by) as at:
        state = None if at.action is None else at.action["state"]
        if state == EffectState.UNKNOWN:
            at.conn.execute(sql.load("outreach_tools")["ask_now"], {"effect_id": at.effect_id})
            return f"the action of lead {lead_id} is asked about with the account's next turn"
        if state != EffectState.NEEDS_PERSON:
            at.refuse("none of its actions is in question")
        effect = EffectStore(run.database).read(at.conn, [at.effect_id])[0]
        account = at.lead.account
    api, _ = run.asking(account)
    try:
        finding = LookupRun(api, partial(own_messages, run.database)).find(effect)
    except ReadFailed as error:
        msg = f"LinkedIn could not be asked about lead {lead_id}: {error.reason}"
        raise NotPossible(msg) from error
    if not isinstance(finding, Found):
        why = getattr(finding, "reason", None) or "it does not show"
        return f"lead {lead_id}: {why}; `mark-sent` or `requeue` decides"
    remote_id = finding.remote_id or f"found:{effect.effect_id}"
    with on_lead(run.database, run.clock, lead_id, "reconcile", by) as at:
        if at.action is None or at.action["state"] != EffectState.NEEDS_PERSON:
            at.refuse("it was decided meanwhile")
        Interventions(run.database, run.clock).answer(at, "applied", by, remote_id)
    return f"the {effect.kind} of lead {lead_id} was found: it counts as sent"


def withdraw(run: OutreachRun, lead_id: int, by: By) -> str:
    """Take a lead's invitation back now, if its account may act; the lead is at its end then.

    Raises:
        NotPossible: No invitation is out, the account may not act now, or it is at work.
    """
    lead = run.leads.read([lead_id]).get(lead_id)
    if lead is None or lead.state != LeadState.INVITE_SENT:
        msg = f"lead {lead_id} has no invitation that is out"
        raise NotPossible(msg)
    try:
        with only_one(run.database, f"outreach with {lead.account}"):
            return _withdraw(run, lead, by)
    except Busy as error:
        raise NotPossible(str(error)) from error


def _withdraw(run: OutreachRun, lead: Lead, by: By) -> str:
    settings, name = run.account(lead.account), lead.account
    api, buckets = run.asking(name)
    caps = Caps(settings)
    admission = Admission(run, name, settings, caps, buckets)
    due = DueLeads(run.database, name, run.workflow.workflow, run.node.name)
    report = TurnReport(name)
    actor = Actor(run, name, settings, due, api, buckets, caps, admission, report)
    with run.database.transaction() as conn:
        account = AccountStore(run.database).read_in(conn, name)
        barred = None if account is None else admission.barred(conn, account, run.clock.now())
    if barred is not None:
        msg = f"{lead.account} may not act now: {barred.reason}"
        raise NotPossible(msg)
    try:
        facts = check_before(api, lead, "withdraw", own_messages(run.database, lead.lead_id))
    except ReadFailed as error:
        msg = f"lead {lead.lead_id} could not be asked about: {error.reason}"
        raise NotPossible(msg) from error
    found = _plan(run, lead, by, facts, Planner(run, lead.account, settings, caps))
    if found is not None:
        return f"lead {lead.lead_id} is not asked back: {found}"
    actor.deliver()
    now = run.leads.read([lead.lead_id])[lead.lead_id]
    if now.state == LeadState.WITHDRAWN:
        return f"the invitation of lead {lead.lead_id} is taken back"
    why = now.reason or ", ".join(report.held) or "no reason is known"
    msg = f"the invitation of lead {lead.lead_id} was not taken back: it is {now.state} ({why})"
    raise NotPossible(msg)


def _plan(run: OutreachRun, lead: Lead, by: By, facts: Facts, planner: Planner) -> str | None:
    """Plan the withdrawal and note who wants it; return what was found that makes it needless."""
    with on_lead(run.database, run.clock, lead.lead_id, "withdraw", by) as at:
        if at.lead.state != LeadState.INVITE_SENT:
            at.refuse("no invitation is out")
        found = take_in(run, at.conn, at.lead, facts, at.now)
        if found is not None:
            at.details["found"] = found
            return found
        step = at.lead.current_step
        action = Action(step, "withdraw", LeadState.WITHDRAWN, step)
        locked = run.leads.lock(at.conn, lead.lead_id)
        assert locked is not None
        return planner.plan(at.conn, locked, action, facts, at.now)
