"""Inviting people, and taking invitations back, by the provider's rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.routes import ApiRoute

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call
    from syncflow_dagster.sandbox.unipile.model import Account, Person

NOTE_LENGTH = 300


def invite(call: Call) -> Response:
    """`POST /users/invite`."""
    body = call.json()
    wanted, note = body.get("provider_id"), body.get("message")
    if not isinstance(wanted, str) or not wanted:
        raise ApiError("missing_parameters", "provider_id is required.")
    if note is not None and not isinstance(note, str):
        raise ApiError("invalid_parameters", "message must be a text.")
    account = call.acting(body.get("account_id", ""))
    note = note or None
    _check_note(call, account, note)
    # Only the provider's id is taken here, no slug.
    person = call.runtime.store.people.get(wanted)
    if person is None:
        raise ApiError("invalid_recipient")
    _check_person(call, account, person)
    call.runtime.limits.check(account, "invite", "cannot_resend_yet")
    if note is not None:
        call.runtime.limits.check(account, "note", "limit_exceeded")
    made = call.runtime.store.invite(account, person, note)
    payload = {"account": account.id, "text": note}
    call.log("invite", person.provider_id, made.id, payload)
    told: dict[str, Any] = {"object": "UserInvitationSent", "invitation_id": made.id}
    usage = call.runtime.limits.usage(account)
    if usage is not None:
        told["usage"] = usage
    return call.answer(told, call.runtime.settings.invite_status)


def _check_note(call: Call, account: Account, note: str | None) -> None:
    if note is None:
        return
    # As JavaScript counts.
    length = len(note.encode("utf-16-le")) // 2
    if length > NOTE_LENGTH:
        raise ApiError("too_many_characters")
    if account.tier == "free" and length > call.runtime.settings.note_length:
        raise ApiError(call.runtime.settings.note_too_long)


def _check_person(call: Call, account: Account, person: Person) -> None:
    store = call.runtime.store
    if person is account.person or person.blocks:
        raise ApiError("cannot_invite_attendee")
    if store.relation(account, person) is not None:
        raise ApiError("already_connected")
    cooldown = timedelta(days=call.runtime.settings.cooldown_days)
    for one in store.between(account, person):
        if one.id in store.pending[account.id]:
            raise ApiError("already_invited_recently")
        if one.ended_at is not None and not one.received and store.now() - one.ended_at < cooldown:
            raise ApiError("already_invited_recently")


def withdraw(call: Call) -> Response:
    """`DELETE /users/invite/sent/{invitation_id}`."""
    account = call.acting()
    number = call.path["invitation_id"]
    if not number.isdecimal():
        raise ApiError("invalid_parameters", "The invitation's id is not valid.")
    invitation = call.runtime.store.pending[account.id].get(number)
    if invitation is None or invitation.received:
        raise ApiError("resource_not_found", "Invitation not found.")
    call.runtime.store.withdraw(invitation)
    key = invitation.person.provider_id
    call.log("withdraw", key, invitation.id, {"account": account.id, "text": None})
    return call.answer({"object": "InvitationCanceled"})


ROUTES = [
    ApiRoute("POST", "/users/invite", "invite", invite),
    ApiRoute("DELETE", "/users/invite/sent/{invitation_id}", "withdraw", withdraw),
]
