"""What can be set on the fake Unipile while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.settings import replaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError


class Deed(BaseModel):
    """Something that people do on LinkedIn's own pages; the log does not show it.

    Attributes:
        op: What is done. `accept`, `decline`, `expire` an invitation that is out; `connect`;
            `message` (by the person); `owner_message`, `owner_invite`, `owner_withdraw` (by the
            account's owner, outside of the API); `invites_account` (the person invites the
            owner); `slug` (the person takes `text` as slug); `read_only` (their chat is closed);
            `reopen`; `delete` (the chat's newest message is deleted); `status` (the account's
            session: `text` is a status, or RESTRICTED).
        account: Id of the account.
        person: Provider id or slug of the person.
        text: Text of a message or of an invitation's note; see `slug` and `status`.
        days_ago: How many days back it was done.
        hidden: Whether a message is a hidden one.
        is_event: Whether a message tells of an event only.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    op: Literal[
        "accept", "decline", "expire", "connect", "message", "owner_message", "owner_invite",
        "owner_withdraw", "invites_account", "slug", "read_only", "reopen", "delete", "status",
    ]  # fmt: skip
    account: str
    person: str = ""
    text: str = ""
    days_ago: float = Field(default=0.0, ge=0)
    hidden: bool = False
    is_event: bool = False


class Settings(BaseModel):
    """The settings, with their defaults; `None` among the limits: as the account's tier has it.

    Attributes:
        latency_s: Seconds that every request takes.
        stale_s: Seconds that reads lag behind.
        profile: `core` answers with the vendor's documented fields; `live_2026` also with those
            seen in live answers since.
        language: Language of relative dates, `en` or `fr`.
        invites_per_day: Invitations LinkedIn takes from an account in 24 hours.
        invites_per_week: The same in 7 days.
        messages_per_day: Messages in 24 hours.
        inmails_per_day: InMails in 24 hours.
        profiles_per_day: Profiles read in 24 hours.
        note_quota: Notes that a free account may send in 30 days.
        note_length: Longest note of a free account, in characters.
        note_too_long: Type of the error for a longer one; which it is, no source tells.
        cooldown_days: Days after an invitation in which the same person cannot be invited again.
        invite_status: HTTP status of an invitation that was sent; sources disagree.
        null_ids: Whether sent messages are answered without their ids.
        missing_member_id: Whether relations come without `member_id`.
        webhook_delay_s: Longest delay of a new relation's webhook, in seconds; each one's is
            drawn. Messages and states are told within seconds.
        webhook_repeat: Share of deliveries that come twice.
        webhook_shuffle: Share of deliveries that come behind younger ones.
        webhook_drop: Share of deliveries that never come.
        webhook_sibling: Share of new relations that are told as another account's.
        deeds: What people do; done once, when it is set.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    latency_s: float = Field(default=0.0, ge=0)
    stale_s: float = Field(default=0.0, ge=0)
    profile: Literal["core", "live_2026"] = "core"
    language: Literal["en", "fr"] = "en"
    invites_per_day: int | None = Field(default=None, ge=0)
    invites_per_week: int | None = Field(default=None, ge=0)
    messages_per_day: int | None = Field(default=None, ge=0)
    inmails_per_day: int | None = Field(default=None, ge=0)
    profiles_per_day: int | None = Field(default=None, ge=0)
    note_quota: int = Field(default=5, ge=0)
    note_length: int = Field(default=200, ge=0)
    note_too_long: str = "too_many_characters"
    cooldown_days: float = Field(default=21.0, ge=0)
    invite_status: Literal[200, 201] = 200
    null_ids: bool = False
    missing_member_id: bool = False
    webhook_delay_s: float = Field(default=0.0, ge=0)
    webhook_repeat: float = Field(default=0.0, ge=0, le=1)
    webhook_shuffle: float = Field(default=0.0, ge=0, le=1)
    webhook_drop: float = Field(default=0.0, ge=0, le=1)
    webhook_sibling: float = Field(default=0.0, ge=0, le=1)
    deeds: list[Deed] = []

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """The settings with some of them replaced; deeds already done are not kept.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        return replaced(self, changes, "deeds")


def first_fault(error: ValidationError) -> str:
    """Where a document is wrong first, and what would be right."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
