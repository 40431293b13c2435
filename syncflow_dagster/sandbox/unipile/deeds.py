"""What people do on LinkedIn's own pages, when a seed or a setting tells them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile.model import AccountStatus

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.unipile.model import Account, Invitation, Person
    from syncflow_dagster.sandbox.unipile.settings import Deed
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

_DAY_S = 86_400.0
_RESTRICTED = "RESTRICTED"


def do(deed: Deed, store: UnipileStore, clock: Clock) -> None:
    """Do it, at its moment.

    Raises:
        ValueError: It is not possible; the text says why.
    """
    account = store.accounts.get(deed.account)
    if account is None:
        msg = f"deeds: {deed.op}: there is no account {deed.account!r}"
        raise ValueError(msg)
    if deed.op == "status":
        _set_status(store, account, deed.text)
        return
    person = store.find_person(deed.person)
    if person is None:
        msg = f"deeds: {deed.op}: there is no person {deed.person!r}"
        raise ValueError(msg)
    with clock.held(clock.real() - deed.days_ago * _DAY_S):
        if deed.op in ("accept", "decline", "expire", "owner_withdraw"):
            _end(deed, store, _pending(store, account, person))
        elif deed.op in ("read_only", "reopen", "delete"):
            _touch_chat(deed, store, account, person)
        else:
            _begin(deed, store, account, person)


def _set_status(store: UnipileStore, account: Account, word: str) -> None:
    restricted = word == _RESTRICTED
    known = [one.value for one in AccountStatus]
    if not restricted and word not in known:
        known_words = ", ".join([*known, _RESTRICTED])
        msg = f"deeds: status: {word!r} is none of {known_words}"
        raise ValueError(msg)
    # A restricted account's session is up.
    store.set_status(
        account, AccountStatus.OK if restricted else AccountStatus(word), restricted=restricted
    )


def _pending(store: UnipileStore, account: Account, person: Person) -> Invitation:
    for one in store.between(account, person):
        if one.id in store.pending[account.id]:
            return one
    msg = f"deeds: no invitation between {account.id} and {person.slug} is out"
    raise ValueError(msg)


def _end(deed: Deed, store: UnipileStore, invitation: Invitation) -> None:
    if deed.op == "accept":
        store.accept(invitation)
    elif deed.op == "decline":
        store.decline(invitation)
    elif deed.op == "expire":
        store.expire(invitation)
    else:
        store.withdraw(invitation)


def _begin(deed: Deed, store: UnipileStore, account: Account, person: Person) -> None:
    if deed.op == "connect":
        store.connect(account, person)
    elif deed.op == "slug":
        store.change_slug(person, deed.text)
    elif deed.op == "owner_invite":
        store.invite(account, person, deed.text or None, by_hand=True)
    elif deed.op == "invites_account":
        store.invite(account, person, deed.text or None, received=True)
    else:
        owner = deed.op == "owner_message"
        store.post_message(
            account,
            person,
            deed.text,
            sender=account.person if owner else person,
            by_hand=owner,
            hidden=deed.hidden,
            is_event=deed.is_event,
        )


def _touch_chat(deed: Deed, store: UnipileStore, account: Account, person: Person) -> None:
    chat = store.chat_with(account, person)
    if chat is None:
        msg = f"deeds: {deed.op}: {account.id} has no chat with {person.slug}"
        raise ValueError(msg)
    if deed.op == "delete":
        chat.messages[-1].deleted = True
    else:
        chat.read_only = 1 if deed.op == "read_only" else 0
