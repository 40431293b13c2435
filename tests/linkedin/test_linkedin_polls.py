"""Polls find what nobody told, end whatever the lists do, and ask no more than is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from inbox_cases import ANNA, BEN, NOW, Leads, make_run

from syncflow_dagster.core.outreach.advance import WaitUntil
from syncflow_dagster.nodes.linkedin.api import ReadFailed, WrongProfile
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.polls import due_polls, poll
from syncflow_dagster.nodes.linkedin.polls_pages import Listing, TimeLeft
from syncflow_dagster.nodes.linkedin.shapes import (
    AccountStatus,
    Chat,
    Message,
    Page,
    Profile,
    Relation,
    SentInvitation,
)
from syncflow_dagster.nodes.linkedin.turn_look import decide

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class FakeLinkedIn:
    """An account whose lists a test fills in; it counts what is asked."""

    status: str = "OK"
    relations_: list = field(default_factory=list)
    sent_: list = field(default_factory=list)
    messages_: list = field(default_factory=list)
    profiles: dict = field(default_factory=dict)
    chats: dict = field(default_factory=dict)
    fails: set = field(default_factory=set)
    endless: bool = False
    asked: list = field(default_factory=list)

    def _asked(self, what):
        self.asked.append(what)
        if what in self.fails:
            raise ReadFailed(ErrorClass.UNKNOWN, f"APP: {what} timed out")

    def _page(self, items, cursor, limit):
        start = int(cursor or 0)
        if self.endless:
            return Page(tuple(items[:limit]), str(start + 1))
        more = start + limit < len(items)
        return Page(tuple(items[start : start + limit]), str(start + limit) if more else None)

    def account(self):
        self._asked("status")
        return AccountStatus(self.status, None)

    def relations(self, cursor=None, *, limit=100):
        self._asked("relations")
        return self._page(self.relations_, cursor, limit)

    def sent(self, cursor=None, *, limit=100):
        self._asked("sent")
        return self._page(self.sent_, cursor, limit)

    def messages_since(self, after, cursor=None, *, limit=250):
        self._asked("messages")
        newest = sorted(self.messages_, key=lambda one: one.at, reverse=True)
        return self._page([one for one in newest if one.at > after], cursor, limit)

    def chat(self, chat_id):
        self._asked("chat")
        return Chat(chat_id, self.chats[chat_id], single=True, read_only=False, at=None)

    def profile(self, identifier, *, known_as=None, lead_id=None):
        self._asked("profile")
        found = self.profiles.get(identifier, (False, "sent"))
        if isinstance(found, Exception):
            raise found
        connected, invitation = found
        return Profile(identifier, None, None, None, None, None, connected, invitation, None, None)

    def take_asked(self):
        """Return what was asked since the last time."""
        found, self.asked = self.asked, []
        return found


@pytest.fixture
def world(database, tmp_path):
    """A run, its leads, and what answers for each account."""
    answers = {"anna": FakeLinkedIn(), "ben": FakeLinkedIn()}
    run = make_run(database, tmp_path, ask=lambda account: answers[account.name])
    return run, Leads(database), answers


def related(who, at=NOW, slug=None):
    return Relation(who, slug, None, None, at)


def said(number, who, text, at=NOW, *, own=False, kind="MESSAGE"):
    return Message(f"m{number}", f"chat-{who}", None if own else who, text, at, own, True, kind)


def test_connections_are_read_whole_once_and_then_back_to_what_is_known(world):
    run, leads, answers = world
    anna = answers["anna"]
    old = [related(f"ACoAAAold{one:04}") for one in range(2_500)]
    anna.relations_ = [related("ACoAAAp2", NOW - HOUR), *old]
    still, found = leads.add(), leads.add()
    report = poll(run, "anna")
    assert report.pages == {"relations": 3, "messages": 1, "sent": 1}
    assert report.outcomes == {"connected": 1, "status": 1, "known": 1}
    assert (leads.state(still), leads.state(found)) == ("invite_sent", "connected")
    assert leads.get(found)["connected_at"] == NOW - HOUR
    assert anna.take_asked().count("relations") == 3

    # Nothing is asked again before its time; then one page, as all of it is known.
    assert poll(run, ANNA).pages == {}
    assert anna.take_asked() == []
    run.clock.sleep(2 * 86_400)
    assert poll(run, ANNA).pages["relations"] == 1
    # A page that is new to its end leads to the next one, until one holds what is known.
    news = [related(f"ACoAAAnew{one:04}") for one in range(210)]
    anna.relations_ = [*news[:150], related("ACoAAAp1", NOW), *news[150:], *anna.relations_]
    run.clock.sleep(2 * 86_400)
    assert poll(run, ANNA).pages["relations"] == 3
    assert leads.state(still) == "connected"
    # Nobody waits for a connection any more: nobody is asked.
    anna.take_asked()
    run.clock.sleep(2 * 86_400)
    assert set(poll(run, ANNA).pages) == {"messages"}
    assert set(anna.take_asked()) == {"status", "messages"}


def test_endless_and_failing_lists_end_alone_and_leave_what_was_found(world):
    run, leads, answers = world
    anna = answers["anna"]
    lead_id, other = leads.add(), leads.add(account=BEN)
    anna.endless = True
    anna.relations_ = [related("ACoAAAp1")]
    anna.fails = {"sent", "messages"}
    report = poll(run, "anna")
    assert "nothing that was not on those before" in report.stopped["relations"]
    assert report.stopped["sent"] == "APP: sent timed out"
    assert report.stopped["messages"] == "APP: messages timed out"
    assert leads.state(lead_id) == "connected"
    row = run.database.fetch_one("select * from outreach_account where account = %s", (ANNA,))
    assert row["messages_to"] is None
    # The whole list is begun anew another time, and soon.
    assert NOW + HOUR / 2 <= row["sent_at"] <= NOW + HOUR * 3 / 2

    answers["ben"].relations_ = [related("ACoAAAp2")]
    assert poll(run, "ben").outcomes["connected"] == 1
    assert leads.state(other) == "connected"


def test_what_was_not_reached_is_read_another_time(world):
    run, leads, answers = world
    anna = answers["anna"]
    anna.relations_ = [related(f"ACoAAAold{one:04}") for one in range(10)]
    late, writes = leads.add(), leads.add("connected")
    poll(run, "anna")
    again = "update outreach_account set relations_at = null, messages_at = null"
    # Many are new, and the second page is not reached.
    run.clock.sleep(3_600)
    news = [related(f"ACoAAAnew{one:04}") for one in range(100)]
    anna.relations_ = [*news, related("ACoAAAp1"), *anna.relations_]
    anna.messages_ = [said(one, "ACoAAAelse", "Hi", NOW + HOUR) for one in range(250 * 40)]
    anna.messages_.append(said("last", "ACoAAAp2", "Yes!", NOW + HOUR / 6))
    run.database.execute(again)
    whole = anna.relations

    def fails(cursor=None, *, limit=100):
        if cursor is not None:
            raise ReadFailed(ErrorClass.UNKNOWN, "APP: relations timed out")
        return whole(cursor, limit=limit)

    anna.relations = fails
    report = poll(run, "anna")
    assert set(report.stopped) == {"relations", "messages"}
    assert leads.state(late) == "invite_sent"
    anna.relations = whole
    del anna.messages_[:-1]
    run.database.execute(again)
    poll(run, "anna")
    assert leads.state(late) == "connected"
    assert leads.state(writes) == "replied"


def test_a_list_ends_where_cursors_repeat_pages_run_out_or_time_is_up():
    def pages(*cursors):
        left = iter(cursors)
        numbers = iter(range(100))
        return lambda _: Page((next(numbers),), next(left))

    def stopped(fetch, most=9, seconds=60.0, ticks=(0.0,) * 99):
        left = iter(ticks)
        listing = Listing(fetch, lambda one: one, most, TimeLeft(seconds, lambda: next(left)))
        found = [one for page in listing.read() for one in page]
        return found, listing.stopped

    assert stopped(pages("a", "b", None)) == ([0, 1, 2], None)
    assert stopped(pages("a", "a", "a"))[1] == "the cursor of page 2 had come before"
    assert stopped(pages(*"abcdefgh"), most=3) == ([0, 1, 2], "3 pages were read")
    assert stopped(pages(*"abcdefgh"), ticks=(0.0, 0.0, 59.0, 61.0)) == ([0, 1], "60 s were over")


def test_who_is_missing_among_sent_invitations_is_looked_at_twice_hours_apart(world):
    run, leads, answers = world
    anna = answers["anna"]
    pending, accepted, stale, wrong, lost = (leads.add() for _ in range(5))
    # The account's owner has sent this one: nobody knows when, and nobody takes it back.
    gone = leads.add(invite_origin="external", invited_at=None)
    later = NOW + timedelta(days=100)
    due = decide(run, run.account("anna"), run.leads.read([gone])[gone], later)
    assert isinstance(due, WaitUntil)
    assert due.at is None
    ids = {one: leads.get(one)["provider_id"] for one in (pending, accepted, gone, stale, wrong)}
    anna.sent_ = [SentInvitation("1", ids[pending], None)]
    anna.profiles = {
        ids[accepted]: (True, None),
        ids[gone]: (False, "ignored"),
        ids[stale]: (False, "sent"),
        ids[wrong]: WrongProfile("another one"),
        leads.get(lost)["provider_id"]: ReadFailed(ErrorClass.LEAD_PERMANENT, "UNI: gone"),
    }
    report = poll(run, "anna")
    assert report.profiles == 3
    assert leads.get(accepted)["connected_via"] == "profile"
    assert leads.get(gone)["gone_since"] == NOW
    assert leads.state(gone) == leads.state(stale) == leads.state(pending) == "invite_sent"
    assert leads.state(wrong) == leads.state(lost) == "needs_review"

    # Not again before eight hours, and then it is over; one that shows again is out after all.
    run.database.execute("update outreach_account set sent_at = null")
    anna.take_asked()
    poll(run, "anna")
    assert anna.take_asked().count("profile") == 1
    run.clock.sleep(8 * 3_600)
    run.database.execute("update outreach_account set sent_at = null, relations_at = null")
    anna.endless = True
    assert "sent" in poll(run, "anna").stopped
    assert leads.state(gone) == "invite_sent"
    anna.endless = False
    run.database.execute("update outreach_account set sent_at = null")
    assert poll(run, "anna").outcomes["declined"] == 1
    assert leads.state(gone) == "declined_or_expired"
    # A late acceptance of it is found with the next page of connections.
    anna.relations_ = [related(ids[gone])]
    run.database.execute("update outreach_account set relations_at = null")
    poll(run, "anna")
    assert leads.state(gone) == "connected"


def test_answers_are_found_without_webhooks_and_only_of_leads(world):
    run, leads, answers = world
    anna = answers["anna"]
    asked, noted, elsewhere = leads.add("connected"), leads.add(), leads.add(account=BEN)
    anna.chats = {"chat-ACoAAAp2": "ACoAAAp2", "chat-ACoAAAzz": "ACoAAAzz"}
    anna.messages_ = [
        said(1, "ACoAAAp1", "Yes, please", NOW - HOUR),
        said(2, "ACoAAAp2", "our note", NOW - HOUR, own=True, kind="INVITATION"),
        said(3, "ACoAAAzz", "note of another", NOW - HOUR, own=True, kind="INVITATION"),
        said(4, "ACoAAAstranger", "Buy this!", NOW - HOUR),
        said(5, "ACoAAAp1", "Hello", NOW - 2 * HOUR, own=True),
        said(6, "ACoAAAp3", "STOP", NOW - HOUR),
        *(said(number, "ACoAAAstranger", "…", NOW - HOUR) for number in range(10, 300)),
    ]
    report = poll(run, "anna")
    assert report.pages["messages"] == 2
    assert report.outcomes["replied"] == report.outcomes["opted out"] == 1
    assert leads.state(asked) == "replied"
    assert leads.get(noted)["connected_via"] == "note_chat"
    assert leads.state(elsewhere) == "suppressed"
    # What comes late behind its own time is read with the next poll.
    anna.messages_.append(said(7, "ACoAAAp2", "Me too", NOW - timedelta(minutes=10)))
    run.clock.sleep(1_800)
    assert poll(run, "anna").outcomes == {"replied": 1}


def test_without_a_session_nothing_is_read_and_all_of_it_once_it_is_back(world):
    run, leads, answers = world
    anna = answers["anna"]
    lead_id = leads.add()
    anna.status = "CREDENTIALS"
    anna.relations_ = [related("ACoAAAp1")]
    assert poll(run, "anna").status == "CREDENTIALS"
    assert anna.take_asked() == ["status"]
    assert due_polls(run.database, NOW)[ANNA] == NOW + timedelta(minutes=2)
    assert due_polls(run.database, NOW)[BEN] == NOW
    run.clock.sleep(120)
    anna.status = "OK"
    report = poll(run, "anna")
    assert report.next_at == run.clock.now() + HOUR / 2
    assert leads.state(lead_id) == "connected"
    row = run.database.fetch_one("select * from outreach_account where account = %s", (ANNA,))
    assert row["reduced_until"] == run.clock.now() + 3 * DAY
    # What came meanwhile shows up by and by: it is not taken for read yet.
    assert row["messages_to"] is None
    anna.messages_ = [said(1, "ACoAAAp1", "Hello?", NOW - HOUR)]
    run.clock.sleep(1_800)
    assert poll(run, "anna").outcomes == {"replied": 1}
    run.clock.sleep(6 * 3_600)
    poll(run, "anna")
    row = run.database.fetch_one("select * from outreach_account where account = %s", (ANNA,))
    assert row["messages_to"] == run.clock.now() - timedelta(minutes=15)
    anna.fails = {"status"}
    run.clock.sleep(3_600)
    assert poll(run, "anna").stopped == {"status": "APP: status timed out"}


def test_polls_of_a_day_are_as_many_as_the_file_says_at_times_of_chance(world):
    run, leads, _answers = world
    leads.add()
    times = []
    for _ in range(40):
        assert "relations" in poll(run, "anna").pages
        times.append(run.clock.now())
        row = run.database.fetch_one("select min(relations_at) as at from outreach_account")
        run.clock.sleep((row["at"] - run.clock.now()).total_seconds())
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert len(gaps) == 39
    assert 5 * HOUR < (times[-1] - times[0]) / 39 < 7 * HOUR
