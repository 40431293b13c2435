"""What a client must never do, found in what is known of everybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# LinkedIn takes no second invitation within three weeks of one that was taken back.
_COOLDOWN = timedelta(days=21)

Case = dict[str, Any]


def verdict(people: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Case]]:
    """The cases, each with `person`, `account`, `at` and `id`, by what went wrong.

    `double_invites`: by a client, while an earlier invitation of whatever account was out, after
    one was accepted, or within three weeks after one was taken back. `double_messages`: the same
    text twice in one chat. `sends_after_reply`, `sends_after_opt_out`: an invitation or message
    by a client, behind the person's first message, or objection, to whatever account;
    `sends_after_owner`: behind one that the owner wrote by hand.

    Args:
        people: As `Truth.people` tells them.
    """
    found: dict[str, list[Case]] = {
        "double_invites": [],
        "double_messages": [],
        "sends_after_reply": [],
        "sends_after_opt_out": [],
        "sends_after_owner": [],
    }
    for person, known in people.items():
        for name, one in _cases(known):
            found[name].append(
                {"person": person, "account": one["account"], "at": one["at"], "id": one["id"]}
            )
    return found


def _cases(known: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    invitations = sorted(known["invitations"], key=lambda one: str(one["at"]))
    for place, one in enumerate(invitations):
        earlier = [other for other in invitations[:place] if other["by"] != "person"]
        if one["by"] == "api" and any(_stands(other, one["at"]) for other in earlier):
            yield "double_invites", one
    seen: set[tuple[str, str]] = set()
    # An accepted invitation's note becomes a message, which nobody sends.
    messages = [one for one in known["messages"] if one["type"] != "INVITATION"]
    for one in messages:
        if one["by"] == "api":
            text = (one["account"], " ".join((one["text"] or "").split()))
            if text in seen:
                yield "double_messages", one
            seen.add(text)
    owner = [one["at"] for one in messages if one["by"] == "owner" and not one["before"]]
    ends = {
        "sends_after_reply": known["first_reply_at"],
        "sends_after_opt_out": known["opted_out_at"],
        "sends_after_owner": min(owner, default=None),
    }
    for one in [*invitations, *messages]:
        if one["by"] == "api":
            yield from ((name, one) for name, end in ends.items() if end and one["at"] > end)


def _stands(earlier: Mapping[str, Any], at: str) -> bool:
    """Whether an earlier invitation stands against one more at that moment."""
    ended = earlier["ended_at"]
    if ended is None or ended > at or earlier["outcome"] == "ACCEPTED":
        return True
    left = datetime.fromisoformat(at) - datetime.fromisoformat(ended)
    return bool(earlier["outcome"] == "WITHDRAWN" and left < _COOLDOWN)
