"""What a client must never do, found in what is known of everybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# LinkedIn takes no second invitation within three weeks of one that was taken back.
_COOLDOWN = timedelta(days=21)

_NAMES = (
    "double_invites",
    "double_messages",
    "sends_after_reply",
    "sends_after_opt_out",
    "sends_after_owner",
    "sends_after_word_elsewhere",
)
Case = dict[str, Any]


def verdict(people: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Case]]:
    """The cases, each with `person`, `account`, `at` and `id`, by what went wrong.

    - `double_invites`: by a client, while an earlier invitation stood: one by a client of whatever
      account, or by the account's owner. It stands while it is out, once it is accepted, and
      three weeks after it was taken back.
    - `double_messages`: the same text twice in one chat.
    - `sends_after_reply`, `sends_after_opt_out`: invitations and messages by a client, behind a
      message, or an objection, of the person to this account.
    - `sends_after_owner`: behind a message that the account's owner wrote by hand.
    - `sends_after_word_elsewhere`: behind a message of the person to another account, which a
      client knows once that account was told, or looked.

    Args:
        people: As `Truth.people` tells them.
    """
    found: dict[str, list[Case]] = {name: [] for name in _NAMES}
    for person, known in people.items():
        # An accepted invitation's note becomes a message, which nobody sends.
        messages = [one for one in known["messages"] if one["type"] != "INVITATION"]
        invitations = sorted(known["invitations"], key=_at)
        for name, one in [
            *_double_invites(invitations),
            *_double_messages(messages),
            *_too_late(invitations, messages),
        ]:
            told = {key: one[key] for key in ("account", "at", "id")}
            found[name].append({"person": person, **told})
    return found


def _at(one: Mapping[str, Any]) -> str:
    return str(one["at"])


def _double_invites(invitations: list[Case]) -> Iterator[tuple[str, Case]]:
    for place, one in enumerate(invitations):
        earlier = [
            other
            for other in invitations[:place]
            if other["by"] == "api" or (other["by"], other["account"]) == ("owner", one["account"])
        ]
        if one["by"] == "api" and any(_stands(other, one["at"]) for other in earlier):
            yield "double_invites", one


def _double_messages(messages: list[Case]) -> Iterator[tuple[str, Case]]:
    seen: set[tuple[str, str]] = set()
    for one in messages:
        if one["by"] == "api":
            text = (one["account"], " ".join((one["text"] or "").split()))
            if text in seen:
                yield "double_messages", one
            seen.add(text)


def _too_late(invitations: list[Case], messages: list[Case]) -> Iterator[tuple[str, Case]]:
    words = [one for one in messages if one["by"] != "api" and not one["before"]]
    for sent in [*invitations, *messages]:
        if sent["by"] != "api":
            continue
        heard = [one for one in words if one["at"] < sent["at"]]
        here = [one for one in heard if one["account"] == sent["account"]]
        if any(one["by"] == "owner" for one in here):
            yield "sends_after_owner", sent
        if any(one["tone"] == "opt_out" for one in here):
            yield "sends_after_opt_out", sent
        if any(one["by"] == "person" for one in here):
            yield "sends_after_reply", sent
        elif any(one["by"] == "person" for one in heard):
            yield "sends_after_word_elsewhere", sent


def _stands(earlier: Mapping[str, Any], at: str) -> bool:
    """Whether an earlier invitation stands against one more at that moment."""
    ended = earlier["ended_at"]
    if ended is None or ended > at or earlier["outcome"] == "ACCEPTED":
        return True
    left = datetime.fromisoformat(at) - datetime.fromisoformat(ended)
    return bool(earlier["outcome"] == "WITHDRAWN" and left < _COOLDOWN)
