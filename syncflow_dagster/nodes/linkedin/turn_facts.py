"""What LinkedIn shows of a person right before an action, taken over by the lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.advance import INVITE_AGAIN_AFTER
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.detection import Detection
from syncflow_dagster.nodes.linkedin.enrol_leads import in_the_way
from syncflow_dagster.nodes.linkedin.inbox_events import listed
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.messages_in import Messages
from syncflow_dagster.nodes.linkedin.people import People
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.guards import Facts
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.nodes.linkedin.shapes import Message, Profile

    Connection = psycopg.Connection[DictRow]

#: How soon a profile is read again that shows no connection yet, and how long that is waited for.
_SOON, _SETTLED = timedelta(hours=1), timedelta(days=1)


def take_in(
    run: OutreachRun, conn: Connection, lead: Lead, facts: Facts, now: datetime
) -> str | None:
    """Let a locked lead be what LinkedIn shows of it.

    The order matters: who has answered is not asked whether it is connected, who is connected is
    not asked whether an invitation is out, and nobody's limit is asked for before either.

    Returns:
        What has changed, as a word, where the action is not to go on as it was decided.
    """
    leads = run.leads
    if facts.wrong_profile:
        why = "another member's profile came than was asked for: is the address still the person's?"
        leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
        return "wrong profile"
    leads.keep_facts(conn, lead, {**_keys(facts), "checked_at": now})
    if facts.profile is not None and _is_another_s(run, conn, lead, facts.profile, now):
        return "same person"
    if facts.inbound:
        return _answered(run, conn, lead, facts.inbound, now)
    if facts.by_hand and run.node.on_owner_message == "pause":
        why = "the account's owner wrote by hand"
        leads.move(conn, lead, LeadState.PAUSED, now, why)
        return "owner wrote"
    if facts.read_only:
        why = "nothing can be written into the chat with the person"
        leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
        return "chat is read-only"
    if facts.can_inmail is False and lead.state != LeadState.CONNECTED:
        why = "there is no InMail credit, and the profile is not open"
        leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
        return "no InMail"
    return _standing(run, conn, lead, facts, now)


def _keys(facts: Facts) -> dict[str, Any]:
    """Return what a person is known by now: slugs change, and ids become known."""
    found: dict[str, Any] = {}
    if facts.chat_id is not None:
        found["chat_id"] = facts.chat_id
    if facts.profile is not None:
        found["provider_id"] = facts.profile.provider_id
        found["open_profile"] = bool(facts.profile.open_profile)
        if (slug := slugs.slug(facts.profile.slug)) is not None:
            found["slug"] = slug
    return found


def _is_another_s(
    run: OutreachRun, conn: Connection, lead: Lead, profile: Profile, now: datetime
) -> bool:
    """Keep what the person is known by now; tell whether another lead turns out to be the same."""
    told = slugs.normalise(profile.provider_id), slugs.normalise(profile.slug)
    if (lead.provider_id, lead.slug) == tuple(one and one.value for one in told):
        return False
    people = People(conn, now)
    people.hold()
    known = people.known_by([one.key for one in told if one is not None], lead.person_id)
    if not known.others:
        return False
    people.meet(run.leads, known, is_sure=True)
    after = run.leads.lock(conn, lead.lead_id)
    if after is None or after.state != lead.state:
        return True
    given = {"workflow": lead.workflow, "node": lead.node, "person_id": known.person_id}
    rows = conn.execute(sql.load("outreach_enrol")["history"], given).fetchall()
    past = [row for row in rows if row["lead_id"] != lead.lead_id]
    fate = in_the_way(run, past, now)
    if fate is None:
        return False
    run.leads.move(conn, after, LeadState.CANCELLED, now, fate.reason)
    return True


def _answered(
    run: OutreachRun,
    conn: Connection,
    lead: Lead,
    messages: tuple[Message, ...],
    now: datetime,
) -> str:
    taking = Messages(run, Detection(run))
    account_id = run.account(lead.account).id
    words = [
        taking.heard(conn, listed(one, account_id, one.sender_id), lead, now)
        for one in reversed(messages)
    ]
    return str(Word.OPTED_OUT if Word.OPTED_OUT in words else Word.REPLIED)


def _standing(
    run: OutreachRun, conn: Connection, lead: Lead, facts: Facts, now: datetime
) -> str | None:
    """Compare where the lead stands with what the profile shows."""
    profile = facts.profile
    if profile is None:
        return None
    if profile.connected:
        if lead.state == LeadState.CONNECTED:
            return None
        Detection(run).connect(conn, lead, now, now, "profile")
        return "connected"
    if lead.state == LeadState.CONNECTED:
        return _not_connected(run, conn, lead, now)
    if lead.state == LeadState.PENDING_INVITE:
        return _invitation(run, conn, lead, profile.invitation, now)
    return None


def _not_connected(run: OutreachRun, conn: Connection, lead: Lead, now: datetime) -> str:
    """A connection does not show: reads may lag, or the person has ended it."""
    since = lead.connected_at or lead.state_since
    if now - since < _SETTLED:
        run.leads.wait(conn, lead, now + _SOON)
    else:
        why = "the profile shows no connection any more"
        run.leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
    return "not connected"


def _invitation(
    run: OutreachRun, conn: Connection, lead: Lead, shown: str | None, now: datetime
) -> str | None:
    leads = run.leads
    if shown == "sent":
        facts = {"invite_origin": "external"}
        leads.move(conn, lead, LeadState.INVITE_SENT, now, "an invitation is out", facts=facts)
        return "invited elsewhere"
    if shown == "received":
        why = "the person has invited the account: accept or decline by hand"
        leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
        return "invited by the person"
    # Our own withdrawal is waited out by the rules; another's from when it is first seen.
    waited = lead.withdrawn_at is not None or lead.hold_until is not None
    if shown == "withdrawn" and not waited:
        until = now + INVITE_AGAIN_AFTER
        why = "an invitation was taken back: LinkedIn takes none for three weeks"
        leads.move(
            conn, lead, LeadState.COOLDOWN, now, why, next_due_at=until, facts={"hold_until": until}
        )
        return "cooldown"
    return None
