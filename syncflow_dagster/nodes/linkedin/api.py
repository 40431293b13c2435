"""How Unipile's API v1 is asked what `port.LinkedIn` asks of an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.nodes.linkedin import shapes
from syncflow_dagster.nodes.linkedin.client import Answer, NoAnswer, ReadOnly, UnipileClient
from syncflow_dagster.nodes.linkedin.errors import ErrorClass, Refusal, refusal
from syncflow_dagster.nodes.linkedin.port import (
    MOST_MESSAGES,
    MOST_SENT,
    LinkedIn,
    ReadFailed,
    Written,
    WrongProfile,
)
from syncflow_dagster.nodes.linkedin.shapes import (
    AccountStatus,
    Body,
    Chat,
    InMailBalance,
    Message,
    Owner,
    Page,
    Profile,
    Relation,
    SentInvitation,
    Unshapely,
)
from syncflow_dagster.nodes.linkedin.signals import Signal, SignalKind
from syncflow_dagster.nodes.linkedin.telling import signal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.signals import ReadMeter

__all__ = ["LinkedIn", "LinkedInApi", "ReadFailed", "Written", "WrongProfile"]

_T = TypeVar("_T")


class LinkedInApi:
    """One account at Unipile, through API v1.

    Args:
        client: Sends the requests.
        account_id: Unipile's id of the account.
        meter: Asked before each read that costs the account something.
    """

    def __init__(
        self, client: UnipileClient, account_id: str, meter: ReadMeter | None = None
    ) -> None:
        self._client = client
        self._id = account_id
        self._meter = meter

    def me(self) -> Owner:
        """Return the account's owner."""
        return self._of_account(shapes.owner, "users", "me", account_id=self._id)

    def account(self) -> AccountStatus:
        """Return the account's state."""
        return self._of_account(shapes.account_status, "accounts", self._id)

    def profile(
        self,
        identifier: str,
        *,
        known_as: str | None = None,
        slug: str | None = None,
        lead_id: int | None = None,
    ) -> Profile:
        """Return a member's profile; see `LinkedIn.profile`."""
        self._count("profile", lead_id)
        given = {"account_id": self._id, "notify": "false"}
        found = self._read("profile", shapes.profile, "users", identifier, **given)
        return _asked_for(found, identifier, known_as, slug)

    def sent(self, cursor: str | None = None, *, limit: int = MOST_SENT) -> Page[SentInvitation]:
        """Return invitations of ours that are pending."""
        self._count("read", None)
        return self._page(shapes.sent_invitation, cursor, "users", "invite", "sent", limit=limit)

    def relations(self, cursor: str | None = None, *, limit: int = 100) -> Page[Relation]:
        """Return connections, the newest first."""
        self._count("read", None)
        return self._page(shapes.relation, cursor, "users", "relations", limit=limit)

    def chats(self, cursor: str | None = None, *, after: datetime | None = None) -> Page[Chat]:
        """Return chats."""
        return self._page(shapes.chat, cursor, "chats", limit=MOST_MESSAGES, after=after)

    def chat(self, chat_id: str) -> Chat:
        """Return a chat."""
        return self._read("read", shapes.chat, "chats", chat_id, account_id=self._id)

    def chats_with(self, provider_id: str) -> tuple[Chat, ...]:
        """Return the chats with one member alone."""
        steps = ("chat_attendees", provider_id, "chats")
        try:
            found = self._page(shapes.chat, None, *steps, limit=MOST_MESSAGES)
        except ReadFailed as error:
            # Who never wrote and was never written to is no attendee of anything.
            if error.kind is ErrorClass.LEAD_PERMANENT:
                return ()
            raise
        named = {provider_id, None}
        return tuple(one for one in found.items if one.single and one.provider_id in named)

    def messages(
        self, chat_id: str, cursor: str | None = None, *, after: datetime | None = None
    ) -> Page[Message]:
        """Return messages of a chat, the newest first."""
        steps = ("chats", chat_id, "messages")
        return self._page(shapes.message, cursor, *steps, limit=MOST_MESSAGES, after=after)

    def messages_since(
        self, after: datetime, cursor: str | None = None, *, limit: int = MOST_MESSAGES
    ) -> Page[Message]:
        """Return messages of all chats, the newest first."""
        return self._page(shapes.message, cursor, "messages", limit=limit, after=after)

    def inmail_balance(self) -> InMailBalance:
        """Return the account's InMail credits."""
        steps = ("linkedin", "inmail_balance")
        return self._read("read", shapes.inmail_balance, *steps, account_id=self._id)

    def invite(self, provider_id: str, note: str | None) -> Written:
        """Invite a member."""
        body = {"provider_id": provider_id, "account_id": self._id}
        if note:
            body["message"] = note
        return _written(self._client.post_json("users", "invite", body=body), "invitation_id")

    def withdraw(self, invitation_id: str) -> Written:
        """Take an invitation back."""
        steps = ("users", "invite", "sent", invitation_id)
        answer = self._client.delete(*steps, params={"account_id": self._id})
        done = _written(answer, None)
        return done if done.refusal else Written(id=invitation_id)

    def send_message(self, text: str, *, chat_id: str | None, provider_id: str) -> Written:
        """Send a message into a chat, or to a connection there is no chat with."""
        fields = [("account_id", self._id), ("text", text)]
        if chat_id is not None:
            answer = self._client.post_form("chats", chat_id, "messages", fields=fields)
        else:
            to = ("attendees_ids", provider_id)
            answer = self._client.post_form("chats", fields=[*fields, to])
        return _written(answer, "message_id")

    def send_inmail(self, text: str, *, subject: str | None, provider_id: str) -> Written:
        """Send an InMail."""
        fields = [("account_id", self._id), ("text", text), ("attendees_ids", provider_id)]
        if subject:
            fields.append(("subject", subject))
        fields += [("linkedin[api]", "classic"), ("linkedin[inmail]", "true")]
        return _written(self._client.post_form("chats", fields=fields), "message_id")

    def view_profile(self, provider_id: str) -> Written:
        """Visit a member's profile so that the member is told."""
        if self._client.read_only:
            msg = "a visit was asked of a client that only reads (a dry run)"
            raise ReadOnly(msg)
        params: dict[str, str | int] = {"account_id": self._id, "notify": "true"}
        done = _written(self._client.get("users", provider_id, params=params), None)
        return done if done.refusal else Written(id="viewed")

    def _count(self, bucket: Bucket, lead_id: int | None) -> None:
        wait_s = self._meter.before_read(bucket, lead_id) if self._meter else None
        if wait_s is not None:
            reason = f"APP: no more reads of kind {bucket} for now"
            raise ReadFailed(ErrorClass.NOT_SENT, reason, wait_s)

    def _page(
        self,
        item: Callable[[Body], _T],
        cursor: str | None,
        *steps: str,
        limit: int,
        after: datetime | None = None,
    ) -> Page[_T]:
        given: dict[str, str | int] = {"account_id": self._id, "limit": limit}
        if cursor is not None:
            given["cursor"] = cursor
        elif after is not None:
            given["after"] = _time(after)
        return self._read("read", lambda body: shapes.page(body, item), *steps, **given)

    def _of_account(self, shape: Callable[[Body], _T], *steps: str, **params: str | int) -> _T:
        """Read something that is there for each account: if it is not, the account is not."""
        try:
            return self._read("read", shape, *steps, **params)
        except ReadFailed as error:
            if error.kind is not ErrorClass.LEAD_PERMANENT:
                raise
            reason = f"{error.reason}: is there an account of this id?"
            signal = Signal(SignalKind.DOWN, "account", "read", reason)
            raise ReadFailed(ErrorClass.ACCOUNT_DOWN, reason, signal=signal) from error

    def _read(
        self, bucket: Bucket, shape: Callable[[Body], _T], *steps: str, **params: str | int
    ) -> _T:
        answer = self._client.get(*steps, params=params)
        refused = refusal(answer)
        if refused is None:
            assert isinstance(answer, Answer)
            assert answer.body is not None
            try:
                return shape(answer.body)
            except Unshapely as error:
                refused = Refusal(ErrorClass.UNKNOWN, f"APP: an answer of another form: {error}")
        raise ReadFailed(refused.kind, refused.reason, signal=signal_of(refused, bucket))


def _written(answer: Answer | NoAnswer, id_field: str | None) -> Written:
    refused = refusal(answer)
    if refused is not None:
        return Written(refused)
    assert isinstance(answer, Answer)
    body = answer.body or {}
    if not isinstance(body.get("object"), str):
        # Each of Unipile's answers names what it is: this one is another's.
        reason = f"APP: HTTP {answer.status} without an `object`"
        return Written(Refusal(ErrorClass.UNKNOWN, reason))
    made, chat, usage = (body.get(name) for name in (id_field or "", "chat_id", "usage"))
    return Written(
        id=made if isinstance(made, str) and made else None,
        chat_id=chat if isinstance(chat, str) and chat else None,
        usage=float(usage) if isinstance(usage, int | float) else None,
    )


def _asked_for(found: Profile, identifier: str, known_as: str | None, slug: str | None) -> Profile:
    if known_as is not None and found.provider_id == known_as:
        return found  # whoever takes another slug stays the same member
    asked = slugs.normalise(identifier)
    if isinstance(asked, slugs.SalesNavigator):
        return found  # nothing that a profile shows is made of it, and it is nobody's slug
    if isinstance(asked, slugs.ProviderId):
        # Ids may differ from account to account: then the slug tells.
        named = slugs.normalise(slug)
        same = found.provider_id == asked.value or (
            named is not None and named == slugs.normalise(found.slug)
        )
    else:
        same = known_as is None and asked is not None and asked == slugs.normalise(found.slug)
    if same:
        return found
    msg = "the profile that came is another one than was asked for"
    raise WrongProfile(msg)


def _time(moment: datetime) -> str:
    """Return a time as Unipile takes it: ISO 8601 in UTC, with milliseconds and a Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
