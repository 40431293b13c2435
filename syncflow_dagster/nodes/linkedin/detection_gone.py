"""Invitations that are no longer out: accepted, or declined, withdrawn by hand, expired.

The list of sent invitations holds those that are pending. Who is missing from it is only a
candidate: the profile says whether there is a connection, and that there is none has to be seen
twice, hours apart.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.api import ReadFailed, WrongProfile
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.polls_pages import Listing

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.polls_context import Polling
    from syncflow_dagster.nodes.linkedin.shapes import Profile, SentInvitation

    Connection = psycopg.Connection[DictRow]

_PAGES = 20
#: How long an invitation may take to be listed at all.
_LISTED_WITHIN = timedelta(hours=1)
#: Hours between two looks at a profile without invitation and connection.
_TWICE = timedelta(hours=8)
#: Profiles read in one poll: reads of profiles are counted by LinkedIn.
_PROFILES = 10


def poll_sent(polling: Polling) -> None:
    """Read the pending invitations, and look at leads whose own is not among them.

    Only to be asked while the account is OK: without a session the service answers from memory.
    """
    began = polling.now()
    listing: Listing[SentInvitation] = Listing(
        polling.api.sent, lambda one: one.id, _PAGES, polling.time
    )
    pending: list[SentInvitation] = []
    is_whole = False
    with polling.part("sent", listing):
        for page in listing.read():
            pending += page
        is_whole = listing.stopped is None
    rows = polling.rows("invited", before=began - _LISTED_WITHIN)
    ids = {one.provider_id for one in pending} - {None}
    names = {slugs.slug(one.slug) for one in pending} - {None}
    out = [row for row in rows if row["provider_id"] in ids or row["slug"] in names]
    polling.write("still_out", lead_ids=[row["lead_id"] for row in out])
    if is_whole:
        known = {row["lead_id"] for row in out}
        with polling.part("sent"):
            _look(polling, [row for row in rows if row["lead_id"] not in known], began)


def _look(polling: Polling, missing: list[DictRow], now: datetime) -> None:
    """Look at the profiles of those that are missing, as many as may be read."""
    due = [one for one in missing if one["gone_since"] is None or now - one["gone_since"] >= _TWICE]
    for row in due[:_PROFILES]:
        identifier = row["provider_id"] or row["slug"]
        if polling.time.is_up or identifier is None:
            continue
        lead_id: int = row["lead_id"]
        try:
            profile = polling.api.profile(identifier, known_as=row["provider_id"], lead_id=lead_id)
        except WrongProfile as error:
            polling.do(partial(_ask, polling, lead_id, str(error)))
        except ReadFailed as error:
            if error.kind is not ErrorClass.LEAD_PERMANENT:
                raise
            reason = f"the profile cannot be read: {error.reason}"
            polling.do(partial(_ask, polling, lead_id, reason))
        else:
            polling.report.profiles += 1
            polling.do(partial(_seen, polling, lead_id, profile))


def _seen(polling: Polling, lead_id: int, profile: Profile, conn: Connection) -> Word:
    now = polling.now()
    lead = _waiting(conn, polling, lead_id)
    if lead is None:
        return Word.KNOWN
    leads = polling.run.leads
    if profile.connected:
        return polling.detection.connect(conn, lead, now, now, "profile")
    if profile.invitation == "sent":
        leads.keep_facts(conn, lead, {"gone_since": None})
        return Word.KNOWN
    if lead.gone_since is None:
        leads.keep_facts(conn, lead, {"gone_since": now})
        leads.note(conn, lead, "invitation_gone", now, {"invitation": profile.invitation})
        return Word.KNOWN
    if now - lead.gone_since < _TWICE:
        return Word.KNOWN
    reason = f"the invitation is gone since {lead.gone_since:%Y-%m-%d}, and there is no connection"
    leads.move(conn, lead, LeadState.DECLINED_OR_EXPIRED, now, reason)
    return Word.DECLINED


def _ask(polling: Polling, lead_id: int, reason: str, conn: Connection) -> Word:
    lead = _waiting(conn, polling, lead_id)
    if lead is None:
        return Word.KNOWN
    polling.run.leads.move(conn, lead, LeadState.NEEDS_REVIEW, polling.now(), reason)
    return Word.AMBIGUOUS


def _waiting(conn: Connection, polling: Polling, lead_id: int) -> Lead | None:
    lead = polling.run.leads.lock(conn, lead_id)
    return lead if lead is not None and lead.state is LeadState.INVITE_SENT else None
