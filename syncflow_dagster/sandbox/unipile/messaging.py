"""Writing to people: messages in chats, and InMails, by the provider's rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.model import MessageType
from syncflow_dagster.sandbox.unipile.routes import ApiRoute

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call
    from syncflow_dagster.sandbox.unipile.model import Account, Chat, Message, Person

TEXT_LENGTH = 8_000


def start(call: Call) -> Response:
    """`POST /chats`: a chat that the two have already goes on."""
    form = call.form()
    account = call.acting(_one(form, "account_id") or "")
    wanted = [one for one in form.get("attendees_ids", []) if one]
    text = _text(form)
    if len(wanted) != 1:
        kind = "invalid_parameters" if wanted else "missing_parameters"
        raise ApiError(kind, "attendees_ids: one is expected; the sandbox has no group chats.")
    person = call.runtime.store.people.get(wanted[0])
    if person is None or person is account.person:
        raise ApiError("invalid_recipient")
    inmail = _is_inmail(form)
    made = (
        _inmail(call, account, person, text, _one(form, "subject"))
        if inmail
        else _message(call, account, person, text)
    )
    ids: tuple[str | None, str | None] = (made.chat.id, made.id)
    if call.runtime.settings.null_ids:
        ids = (None, None)
    return call.answer({"object": "ChatStarted", "chat_id": ids[0], "message_id": ids[1]}, 201)


def write(call: Call) -> Response:
    """`POST /chats/{chat_id}/messages`."""
    form = call.form()
    chat = call.runtime.store.chats.get(call.path["chat_id"])
    if chat is None:
        raise ApiError("resource_not_found", "Chat not found.")
    guard = _one(form, "account_id")
    if guard is not None and guard != chat.account.id:
        raise ApiError("account_mismatch")
    account = call.acting(chat.account.id)
    made = _message(call, account, chat.person, _text(form), chat)
    told = None if call.runtime.settings.null_ids else made.id
    return call.answer({"object": "MessageSent", "message_id": told}, 201)


def balance(call: Call) -> Response:
    """`GET /linkedin/inmail_balance`."""
    account = call.looking()
    told = {"object": "LinkedinInmailBalance", **dict.fromkeys(_PRODUCTS)}
    if account.tier in _PRODUCTS:
        told[account.tier] = account.inmail_credits
    return call.answer(told)


_PRODUCTS = ("premium", "recruiter", "sales_navigator")


def _message(
    call: Call, account: Account, person: Person, text: str, chat: Chat | None = None
) -> Message:
    store = call.runtime.store
    chat = chat or store.chat_with(account, person)
    if not person.reachable:
        raise ApiError("user_unreachable")
    if chat is not None and chat.read_only:
        raise ApiError("cant_send_message")
    # Who has written can be answered, connected or not.
    written = chat is not None and any(one.sender is person for one in chat.messages)
    if store.relation(account, person) is None and not written:
        raise ApiError("no_connection_with_recipient")
    call.runtime.limits.check(account, "message", "too_many_requests")
    made = store.post_message(account, person, text, sender=account.person)
    _log(call, "message", made)
    return made


def _inmail(
    call: Call, account: Account, person: Person, text: str, subject: str | None
) -> Message:
    store = call.runtime.store
    if account.tier == "free":
        raise ApiError("feature_not_subscribed")
    if not person.reachable:
        raise ApiError("user_unreachable")
    if store.relation(account, person) is not None:
        raise ApiError("not_allowed_inmail", "The recipient is a first degree connection.")
    chat = store.chat_with(account, person)
    day_ago = store.now() - timedelta(days=1)
    recent = (one for one in (chat.messages if chat else ()) if one.at > day_ago)
    if any(one.type is MessageType.INMAIL and one.is_sender for one in recent):
        raise ApiError("cannot_resend_within_24hrs")
    if not person.open_profile and account.inmail_credits < 1:
        raise ApiError("insufficient_credits")
    call.runtime.limits.check(account, "inmail", "too_many_requests")
    account.inmail_credits -= 0 if person.open_profile else 1
    made = store.post_message(
        account, person, text, sender=account.person, inmail=True, subject=subject
    )
    _log(call, "inmail", made)
    return made


def _log(call: Call, op: str, made: Message) -> None:
    chat = made.chat
    payload = {
        "account": chat.account.id,
        "text": made.text,
        "subject": made.subject,
        "chat_id": chat.id,
    }
    call.log(op, chat.person.provider_id, made.id, payload)


def _text(form: dict[str, list[str]]) -> str:
    """The text as LinkedIn keeps it: without blanks at its ends, lines ended by a line feed."""
    text = (_one(form, "text") or "").replace("\r\n", "\n").strip()
    if not text and "attachments" not in form:
        raise ApiError("missing_parameters", "text is required.")
    if len(text.encode("utf-16-le")) // 2 > TEXT_LENGTH:
        raise ApiError("too_many_characters")
    return text


def _one(form: dict[str, list[str]], name: str) -> str | None:
    return form.get(name, [None])[-1]


def _is_inmail(form: dict[str, list[str]]) -> bool:
    return _one(form, "linkedin[inmail]") == "true"


def _word(call: Call) -> str:
    try:
        return "inmail" if _is_inmail(call.form()) else "send_message"
    except ApiError:
        return "send_message"


ROUTES = [
    ApiRoute("POST", "/chats", _word, start),
    ApiRoute("POST", "/chats/{chat_id}/messages", "send_message", write),
    ApiRoute("GET", "/linkedin/inmail_balance", "inmail_balance", balance),
]
