"""What each account was asked for, what was refused, and when it was down."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.model import AccountStatus, MessageType

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.sandbox.unipile.model import (
        Invitation,
        Message,
        StatusChange,
        View,
    )
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

_WINDOWS = {"most_in_24h": timedelta(hours=24), "most_in_7d": timedelta(days=7)}


class AccountBooks:
    """Keeps what clients had accounts do; what owners did by hand does not count.

    Args:
        store: Tells what happens.
    """

    def __init__(self, store: UnipileStore) -> None:
        self._store = store
        self.reset()
        store.on("invited", self._invited)
        store.on("message", self._message)
        store.on("viewed", self._viewed)
        store.on("status", self._status)

    def reset(self) -> None:
        """Forget everything."""
        self._spent: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self._refused: dict[str, dict[str, Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        self._down: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)

    # -- what happens ----------------------------------------------------------------------

    def _spend(self, account_id: str, what: str) -> None:
        self._spent[account_id][what].append(self._store.now())

    def _invited(self, invitation: Invitation) -> None:
        if not invitation.received and not invitation.by_hand:
            self._spend(invitation.account.id, "invites")
            if invitation.note:
                self._spend(invitation.account.id, "notes")

    def _message(self, message: Message) -> None:
        if message.is_sender and not message.by_hand:
            kind = {MessageType.MESSAGE: "messages", MessageType.INMAIL: "inmails"}
            if message.type in kind:
                self._spend(message.chat.account.id, kind[message.type])

    def _viewed(self, view: View) -> None:
        self._spend(view.account.id, "views")

    def answered(self, account_id: str, op: str, refusal: str | None) -> None:
        """Note a request for an account.

        Args:
            account_id: Which.
            op: The dial's word for it.
            refusal: Type of the error it was answered with, such as `cannot_resend_yet`.
        """
        if refusal is not None:
            self._refused[account_id][op][refusal] += 1
        elif op == "profile":
            self._spend(account_id, "profile_reads")
        elif op == "withdraw":
            self._spend(account_id, "withdrawals")

    def _status(self, change: StatusChange) -> None:
        spells = self._down[change.account.id]
        if spells and spells[-1][1] is None:
            if change.account.status is AccountStatus.OK:
                spells[-1] = (spells[-1][0], change.at)
        elif change.account.status is not AccountStatus.OK:
            spells.append((change.at, None))

    # -- what is told ----------------------------------------------------------------------

    def up_from(self, account_id: str, at: datetime) -> datetime | None:
        """The first moment from `at` on at which the account is not down; None: none so far."""
        for begin, end in self._down[account_id]:
            if begin <= at and (end is None or at < end):
                return end
        return at

    def describe(self) -> dict[str, Any]:
        """By account id: state, `per_day`, the busiest windows, what was refused, when down."""
        return {account_id: self._account(account_id) for account_id in self._store.accounts}

    def _account(self, account_id: str) -> dict[str, Any]:
        account, spent = self._store.accounts[account_id], self._spent[account_id]
        per_day: dict[str, Counter[str]] = defaultdict(Counter)
        for what, times in spent.items():
            for at in times:
                per_day[at.date().isoformat()][what] += 1
        return {
            "status": account.status.value,
            "tier": account.tier,
            "owner": account.person.provider_id,
            "relations": len(self._store.relations[account_id]),
            "pending": len(self._store.pending[account_id]),
            "per_day": {day: dict(counts) for day, counts in sorted(per_day.items())},
            **{
                name: {what: busiest(times, window) for what, times in spent.items()}
                for name, window in _WINDOWS.items()
            },
            "refused": {op: dict(types) for op, types in self._refused[account_id].items()},
            "down": [
                [begin.isoformat(), None if end is None else end.isoformat()]
                for begin, end in self._down[account_id]
            ],
        }


def busiest(times: list[datetime], window: timedelta) -> int:
    """The most moments that lie in any window of this length, which is open at its start."""
    most = first = 0
    ordered = sorted(times)
    for last, at in enumerate(ordered):
        while ordered[first] <= at - window:
            first += 1
        most = max(most, last - first + 1)
    return most
