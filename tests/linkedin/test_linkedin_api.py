"""The typed API and the guards, over HTTP against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from linkedin_effects import lead_row

from syncflow_dagster.nodes.linkedin import shapes
from syncflow_dagster.nodes.linkedin.api import LinkedInApi, ReadFailed, WrongProfile, _asked_for
from syncflow_dagster.nodes.linkedin.client import ReadOnly, UnipileClient
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.guards import check_before
from syncflow_dagster.nodes.linkedin.own_messages import OwnMessage, OwnMessages, comparable
from syncflow_dagster.nodes.linkedin.signals import SignalKind
from syncflow_dagster.workflows.models import UnipileConnection


@pytest.fixture
def api(unipile):
    return api_of(unipile)


def api_of(unipile, account="acc_anna", meter=None, *, token=None, read_only=False):
    connection = UnipileConnection(type="unipile", url=unipile.url, token=token or unipile.token)
    return LinkedInApi(UnipileClient(connection, read_only=read_only), account, meter)


def every(read):
    """All items of a list, page by page."""
    found, cursor = [], None
    while True:
        page = read(cursor)
        found += page.items
        if (cursor := page.cursor) is None:
            return found


def test_what_the_sandbox_tells_is_read(unipile, api):
    owner = api.me()
    assert owner.tier == "premium"
    assert api_of(unipile, "acc_carla").me().tier == "sales_navigator"
    assert api.account() == shapes.AccountStatus("OK", owner.provider_id)
    unipile.settings(profile="live_2026")
    person = unipile.id("person-0")
    by_slug = api.profile("person-0")
    assert by_slug == api.profile(person)
    assert (by_slug.provider_id, by_slug.connected, by_slug.invitation) == (person, False, None)
    for number in range(3):
        assert api.invite(unipile.id(f"person-{number}"), f"Hello {number}").refusal is None
    out = every(lambda cursor: api.sent(cursor, limit=1))
    assert {one.provider_id for one in out} == {unipile.id(f"person-{n}") for n in range(3)}
    assert api.profile(person).invitation == "sent"
    unipile.deed("accept")
    unipile.deed("accept", person="person-1")
    assert api.profile(person).connected
    newest, older = every(lambda cursor: api.relations(cursor, limit=1))
    assert (newest.provider_id, older.provider_id) == (unipile.id("person-1"), person)
    assert unipile.now() - older.created_at < timedelta(milliseconds=2)
    unipile.settings(missing_member_id=True)
    assert api.relations().items[1] == older
    # Its note has become the chat's first message.
    (chat,) = api.chats_with(person)
    assert api.chat(chat.id) == chat
    (note,) = api.messages(chat.id).items
    assert (note.kind, note.own, note.text) == ("INVITATION", True, "Hello 0")
    done = api.send_message("Zoë, 👋", chat_id=chat.id, provider_id=person)
    unipile.advance(60)
    since = unipile.now() - timedelta(seconds=30)
    unipile.deed("message", text="Thanks!")
    (answer,) = api.messages_since(since).items
    assert (answer.inbound, answer.chat_id, answer.sender_id) == (True, chat.id, person)
    assert [one.id for one in every(lambda c: api.messages(chat.id, c))][:2] == [answer.id, done.id]
    assert api.messages(chat.id, after=since).items == (answer,)
    assert {one.id for one in api.chats().items} >= {chat.id}
    assert api.chats_with(unipile.id("person-9")) == ()
    assert api_of(unipile, "acc_carla").inmail_balance().total > 0


def test_another_member_s_profile_is_never_taken_for_the_one_asked_for(unipile, api):
    person = unipile.id("person-3")
    unipile.deed("slug", person="person-3", text="a-new-name")
    # The old name still leads to a profile: only its id can tell whose.
    with pytest.raises(WrongProfile):
        api.profile("person-3")
    assert api.profile("person-3", known_as=person).slug == "a-new-name"
    assert api.profile("A-New-Name").provider_id == person
    assert api.profile("zoë-müller-東京").first_name == "Zoë"
    with pytest.raises(WrongProfile):
        api.profile("a-new-name", known_as=unipile.id("person-4"))
    with pytest.raises(ReadFailed) as missing:
        api.profile("nobody-of-this-name")
    assert missing.value.kind is ErrorClass.LEAD_PERMANENT
    # An id of another account's view leads to the same member, whose slug shows it.
    shown = replace(api.profile(person), provider_id="ACoAAothers-view")
    assert _asked_for(shown, person, person, "a-new-name") is shown
    with pytest.raises(WrongProfile):
        _asked_for(shown, person, person, "another-name")


def test_a_read_that_fails_says_what_it_tells_of_the_account(unipile, api):
    with pytest.raises(ReadFailed) as stranger:
        api_of(unipile, token="wrong").me()
    assert (stranger.value.signal.kind, stranger.value.signal.scope) == (
        SignalKind.CONFIG,
        "tenant",
    )
    with pytest.raises(ReadFailed) as nobody:
        api_of(unipile, "acc_nobody").account()
    assert nobody.value.kind is ErrorClass.ACCOUNT_DOWN
    unipile.settings(profiles_per_day=0)
    with pytest.raises(ReadFailed) as used_up:
        api.profile("person-0")
    assert used_up.value.signal.kind is SignalKind.LIMIT
    assert used_up.value.signal.bucket == "profile"
    unipile.fault("html_error", op="relations")
    with pytest.raises(ReadFailed) as page:
        api.relations()
    assert page.value.kind is ErrorClass.UNKNOWN


def test_a_read_that_costs_is_metered_before_it_is_made(unipile):
    asked = []

    class Meter:
        def before_read(self, bucket, lead_id):
            asked.append((bucket, lead_id))
            return 60.0 if bucket == "read" else None

    api = api_of(unipile, meter=Meter())
    api.profile("person-0", lead_id=5)
    before = unipile.stats()["operations"]
    with pytest.raises(ReadFailed) as held:
        api.sent()
    assert (held.value.after_s, held.value.signal) == (60.0, None)
    assert asked == [("profile", 5), ("read", None)]
    assert unipile.stats()["operations"] == before


def test_a_dry_run_asks_everything_and_writes_nothing(unipile):
    unipile.deed("connect")
    unipile.deed("message", text="Hi")
    api = api_of(unipile, read_only=True)
    lead = lead_row(unipile.id("person-0"), unipile.now())
    assert check_before(api, lead, "message", OwnMessages()).inbound
    assert check_before(api, lead, "invite", OwnMessages()).profile.connected
    for write in (
        lambda: api.invite(unipile.id("person-1"), "Hello"),
        lambda: api.withdraw("1"),
        lambda: api.send_message("Hello", chat_id=None, provider_id=unipile.id("person-0")),
        lambda: api.send_inmail("Hello", subject="Hi", provider_id=unipile.id("open-olga")),
        lambda: api.view_profile(unipile.id("person-1")),
    ):
        with pytest.raises(ReadOnly):
            write()
    assert unipile.log() == []


def test_before_an_action_the_facts_are_those_of_now(unipile, api):
    person = unipile.id("person-0")
    enrolled = unipile.now()
    lead = lead_row(person, enrolled)
    unipile.advance(60)
    assert check_before(api, lead, "invite", OwnMessages()).profile.invitation is None
    unipile.deed("invites_account")
    assert check_before(api, lead, "invite", OwnMessages()).profile.invitation == "received"
    unipile.deed("accept")
    unipile.deed("message", text="Long ago", days_ago=1)
    ours = api.send_message("Hello  there", chat_id=None, provider_id=person)
    unipile.deed("owner_message", text="By hand")
    unipile.deed("message", text="Tell me more")
    unipile.deed("message", text="shown to nobody", hidden=True)
    known = OwnMessages((OwnMessage(1, None, comparable("Hello there")),))
    facts = check_before(api, lead, "message", known)
    assert facts.profile.connected
    assert [one.text for one in facts.inbound] == ["Tell me more"]
    assert [one.text for one in facts.by_hand] == ["By hand"]
    bound = OwnMessages((OwnMessage(1, ours.id, "another text"),))
    assert [one.text for one in check_before(api, lead, "message", bound).by_hand] == ["By hand"]
    # Known to be connected: the profile need not be paid for, the chat is still asked for.
    unipile.deed("read_only")
    linked = replace(lead, connected_at=enrolled, chat_id="deleted-long-ago")
    facts = check_before(api, linked, "message", known)
    assert (facts.profile, facts.read_only, facts.chat_id) == (
        None,
        True,
        api.chats_with(person)[0].id,
    )


def test_an_inmail_needs_an_open_profile_or_a_credit(unipile, api):
    olga, person = (lead_row(unipile.id(one), unipile.now()) for one in ("open-olga", "person-0"))
    free = api_of(unipile, "acc_bob")
    assert check_before(free, olga, "inmail", OwnMessages()).can_inmail
    assert not check_before(free, person, "inmail", OwnMessages()).can_inmail
    carla = api_of(unipile, "acc_carla")
    assert check_before(carla, person, "inmail", OwnMessages()).can_inmail


def test_nothing_is_believed_of_an_account_that_is_down(unipile, api):
    lead = lead_row(unipile.id("person-0"), unipile.now())
    unipile.status("CREDENTIALS")
    assert api.profile("person-0").slug == "person-0"
    with pytest.raises(ReadFailed) as down:
        check_before(api, lead, "invite", OwnMessages())
    assert down.value.signal.kind is SignalKind.DOWN
    strange = replace(lead, provider_id=None, slug="person-1")
    unipile.status("OK")
    unipile.deed("slug", person="person-1", text="moved-on")
    assert check_before(api, strange, "invite", OwnMessages()).wrong_profile
