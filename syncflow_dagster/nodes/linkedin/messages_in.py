"""Messages: answers, opt-outs, what an owner writes by hand, and our own as they come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.matching import Sighting
from syncflow_dagster.core.outreach.optout import is_opt_out
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.nodes.linkedin.detection import LATE_STATES
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.own_messages import comparable
from syncflow_dagster.nodes.linkedin.suppression import list_opt_out
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.optout import OptOut
    from syncflow_dagster.nodes.linkedin.detection import Detection
    from syncflow_dagster.nodes.linkedin.inbox_events import MessageSeen
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: How far the service's clock may be off ours.
_CLOCKS_APART = timedelta(minutes=2)
#: Ends a lead comes to without an answer that are no reason to forget one.
_ENDED_UNANSWERED = frozenset({LeadState.COMPLETED, LeadState.FAILED, LeadState.CANCELLED})
_WAITS_FOR_APPROVAL = frozenset({LeadState.DRAFT, LeadState.AWAITING_APPROVAL})


class Messages:
    """Takes in messages, in the caller's transaction.

    Args:
        run: The node's run.
        detection: Finds leads.
    """

    def __init__(self, run: OutreachRun, detection: Detection) -> None:
        self._run = run
        self._detection = detection
        self._leads = run.leads
        self._queries = sql.load("outreach_inbox")

    def take(self, conn: Connection, seen: MessageSeen, told_at: datetime, now: datetime) -> Word:
        """Take in a message of either side.

        Args:
            conn: The transaction.
            seen: The message.
            told_at: When it was told.
            now: Database time.
        """
        if not seen.is_talk or seen.is_group or len(seen.others) != 1:
            return Word.NOT_NEEDED
        found = self._detection.find(conn, _sighting(seen), now)
        if found.lead is None:
            if seen.is_own or len({one.person_id for one in found.maybe}) != 1:
                return found.word
            # Whichever of its leads is meant: the person has said it.
            return self.heard(conn, seen, found.maybe[0], now, is_elsewhere=True)
        if seen.is_own:
            return self._own(conn, seen, found.lead, told_at, now, is_elsewhere=found.is_elsewhere)
        if not found.is_elsewhere:
            self._detection.refresh(conn, found.lead, _sighting(seen))
        return self.heard(conn, seen, found.lead, now, is_elsewhere=found.is_elsewhere)

    # What the other side says

    def heard(
        self,
        conn: Connection,
        seen: MessageSeen,
        lead: Lead,
        now: datetime,
        *,
        is_elsewhere: bool = False,
    ) -> Word:
        """Take in what a lead's person has said: an answer, or an opt-out of everything.

        Args:
            conn: The transaction.
            seen: The message.
            lead: A lead of the person.
            now: Database time.
            is_elsewhere: It was told on another account than the lead's.
        """
        opt_out = is_opt_out(seen.text)
        leads = self._detection.leads_of(conn, lead, ended=opt_out is not None)
        if opt_out is not None:
            return self._opted_out(conn, seen, leads, opt_out, now)
        words = {
            self._answered(
                conn, one, seen, now, is_here=not is_elsewhere and one.account == lead.account
            )
            for one in leads
        }
        for word in (Word.REPLIED, Word.OLDER):
            if word in words:
                return word
        return Word.KNOWN

    def _answered(
        self, conn: Connection, lead: Lead, seen: MessageSeen, now: datetime, *, is_here: bool
    ) -> Word:
        at = _at(seen, now)
        if at < lead.enrolled_at - _CLOCKS_APART:
            return Word.OLDER
        facts: dict[str, Any] = {} if lead.replied_at else {"replied_at": at}
        if is_here:
            facts |= self._connected_by(seen, lead, at)
        ends = lead.terminal_at is None or lead.state in LATE_STATES
        if ends:
            self._leads.move(conn, lead, LeadState.REPLIED, now, "has answered", facts=facts)
        elif facts and lead.state in _ENDED_UNANSWERED:
            self._leads.keep_facts(conn, lead, facts)
        else:
            return Word.KNOWN
        if not ends and lead.replied_at:
            return Word.KNOWN
        self._leads.note(conn, lead, "replied", now, _evidence(seen))
        return Word.REPLIED

    def _connected_by(self, seen: MessageSeen, lead: Lead, at: datetime) -> dict[str, Any]:
        """Return what an answer tells beside itself.

        An invitation may be answered without being accepted, so that only what is said of the
        sender tells of a connection.
        """
        facts: dict[str, Any] = {}
        if seen.chat_id and lead.chat_id is None:
            facts["chat_id"] = seen.chat_id
        # An InMail may be answered by somebody who is no connection.
        by_invitation = lead.invited_at is not None and not lead.messages_sent
        if (
            lead.connected_at is None
            and by_invitation
            and seen.kind == "MESSAGE"
            and seen.is_connected
        ):
            facts |= {"connected_at": at, "connected_via": "reply"}
        return facts

    def _opted_out(
        self,
        conn: Connection,
        seen: MessageSeen,
        leads: Sequence[Lead],
        opt_out: OptOut,
        now: datetime,
    ) -> Word:
        at = _at(seen, now)
        key = self._run.options.privacy_key
        news = [one for one in leads if one.state is not LeadState.SUPPRESSED]
        said = {"language": opt_out.language, "words": opt_out.words, "listed": key is not None}
        for lead in news:
            facts = {"opted_out_at": at} | ({} if lead.replied_at else {"replied_at": at})
            self._leads.move(conn, lead, LeadState.SUPPRESSED, now, "has opted out", facts=facts)
            self._leads.note(conn, lead, "opted_out", now, {**_evidence(seen), **said})
        if news and key is not None:
            known = [one for one in news if one.provider_id] or news
            list_opt_out(self._run.database, key, conn, known[:1], now)
        return Word.OPTED_OUT if news else Word.KNOWN

    # What the account's side says

    def _own(
        self,
        conn: Connection,
        seen: MessageSeen,
        lead: Lead,
        told_at: datetime,
        now: datetime,
        *,
        is_elsewhere: bool,
    ) -> Word:
        sent = self._sent(conn, seen, self._detection.leads_of(conn, lead, ended=True))
        if seen.kind == "INVITATION" or (sent is not None and sent["kind"] == "invite"):
            # LinkedIn makes the chat with the note when the invitation is accepted.
            if is_elsewhere:
                return self._detection.ask_soon(conn, lead, now)
            return self._by_note(conn, seen, lead, told_at, now)
        if sent is not None:
            self._came_back(conn, sent, seen, now)
            return Word.ECHO
        if is_elsewhere:
            return Word.NOT_NEEDED
        return self._by_hand(conn, seen, lead, now)

    def _came_back(self, conn: Connection, sent: DictRow, seen: MessageSeen, now: datetime) -> None:
        """Let an action know that it has arrived: what is asked about it is answered."""
        if sent["state"] == EffectState.NEEDS_PERSON:
            by = By("unipile", "the message came back as one of the account's own")
            decisions = Decisions(self._run.database)
            decisions.resolve_in(conn, sent["effect_id"], "applied", by, now, seen.ids[0])
            return
        given = {"effect_id": sent["effect_id"], "now": now, "remote_id": seen.ids[0]}
        conn.execute(self._queries["look_now"], given)
        conn.execute(sql.load("effects")["bind_message"], given)

    def _by_note(
        self, conn: Connection, seen: MessageSeen, lead: Lead, told_at: datetime, now: datetime
    ) -> Word:
        locked = self._leads.lock(conn, lead.lead_id)
        if locked is None:
            return Word.NOBODY
        if seen.chat_id and locked.chat_id is None:
            self._leads.keep_facts(conn, locked, {"chat_id": seen.chat_id})
        return self._detection.connect(conn, locked, told_at, now, "note_chat")

    def _by_hand(self, conn: Connection, seen: MessageSeen, lead: Lead, now: datetime) -> Word:
        locked = self._leads.lock(conn, lead.lead_id)
        if locked is None or _at(seen, now) < locked.enrolled_at:
            return Word.OLDER
        if locked.terminal_at is not None:
            return Word.NOT_NEEDED
        node = self._detection.node_of(locked)
        policy = node.on_owner_message if node else "pause"
        self._leads.note(conn, locked, "owner_message", now, {**_evidence(seen), "policy": policy})
        reason = "the account's owner wrote by hand"
        if policy == "ignore" or locked.state in {LeadState.PAUSED, LeadState.NEEDS_REVIEW}:
            return Word.NOT_NEEDED
        is_approved = locked.state not in _WAITS_FOR_APPROVAL
        held = LeadState.PAUSED if is_approved else LeadState.NEEDS_REVIEW
        self._leads.move(conn, locked, held, now, reason)
        return Word.OWNER_WROTE

    def _sent(self, conn: Connection, seen: MessageSeen, leads: Sequence[Lead]) -> DictRow | None:
        """Return the action of ours that a message of the account is: by its id, or by its text.

        No two texts to one person are the same, so that the text is enough where the message of an
        action is not known yet. A note comes back under an id of its own.
        """
        given = {"lead_ids": [one.lead_id for one in leads]}
        rows = conn.execute(self._queries["sent_texts"], given).fetchall()
        for row in rows:
            if row["remote_id"] in seen.ids:
                return row
        text = comparable(seen.text)
        at = seen.at
        for row in rows:
            if row["kind"] != "invite" and row["remote_id"] is not None:
                continue
            in_time = at is None or at >= row["sent_at"] - _CLOCKS_APART
            if text and in_time and comparable(row["text"]) == text:
                return row
        return None


def _sighting(seen: MessageSeen) -> Sighting:
    return Sighting(seen.account_id, provider_id=seen.others[0], slug=seen.address)


def _at(seen: MessageSeen, now: datetime) -> datetime:
    """Return when a message was sent; nothing comes from the future."""
    return min(seen.at or now, now)


def _evidence(seen: MessageSeen) -> dict[str, Any]:
    return {"message": seen.ids[0], "kind": seen.kind, "at": seen.at and seen.at.isoformat()}
