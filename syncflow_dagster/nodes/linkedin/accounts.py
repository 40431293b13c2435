"""LinkedIn accounts: which of them have something to do, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.limits import REDUCED_FOR
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]


class AccountRenamed(RuntimeError):
    """An account has leads under another name: limits are counted by names, and so are they."""

    def __init__(self, name: str, before: str) -> None:
        super().__init__(
            f"{name} is the account that has leads as {before}: call it by that name in the "
            "workflow file, as its limits and leads go by it"
        )


@dataclass(frozen=True, slots=True)
class DueAccount:
    """What a node has to do with an account.

    Attributes:
        account: The account, as the ledger knows it.
        due: Whether a turn would find something to do now.
        next_at: When it would, at the latest; now or before where it is due.
    """

    workflow: str
    node: str
    account: str
    due: bool
    next_at: datetime


def due_accounts(database: Database, now: datetime) -> list[DueAccount]:
    """Return each node's accounts that have, or will have, something to do; longest waiting first.

    One query, whose cost grows with the accounts and not with the leads.
    """
    rows = database.fetch_all(sql.load("outreach")["due_accounts"], {"now": now})
    return [DueAccount(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account; a row of `outreach_account`.

    Attributes:
        status: State of its session at Unipile, `OK` if it works.
        status_at: When that was last known.
        live_since: First action ever, from which the ramp counts.
        reduced_until: Until when it does half of what it might.
        next_action_at: Before this nothing is sent.
    """

    account: str
    status: str
    status_at: datetime | None
    tier: str | None
    live_since: datetime | None
    reduced_until: datetime | None
    next_action_at: datetime | None
    acknowledged_at: datetime | None


_COLUMNS = tuple(one.name for one in fields(Account))


class AccountStore:
    """Reads and writes what is known of accounts.

    Args:
        database: Where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("outreach_turn")

    def read(self, account: str) -> Account | None:
        """Return an account; None if no node has enrolled anybody with it."""
        with self._database.transaction() as conn:
            return self.read_in(conn, account)

    def read_in(self, conn: Connection, account: str) -> Account | None:
        """Return an account as a transaction sees it."""
        row = conn.execute(self._queries["read_account"], {"account": account}).fetchone()
        return None if row is None else _account_of(row)

    def knows_owner(self, account: str) -> bool:
        """Tell whether it is known whom an account belongs to."""
        row = self._database.fetch_one(self._queries["owner"], {"account": account})
        return row is not None and row["provider_id"] is not None

    def keep_owner(self, account: str, provider_id: str, first_name: str | None) -> None:
        """Write down whom an account belongs to."""
        given = {"account": account, "provider_id": provider_id, "first_name": first_name}
        self._database.execute(self._queries["keep_owner"], given)

    def lock(self, conn: Connection, account: str) -> Account | None:
        """Lock an account: nobody else counts or reserves until the transaction ends."""
        row = conn.execute(self._queries["lock_account"], {"account": account}).fetchone()
        return None if row is None else _account_of(row)

    def note_status(self, account: str, status: str, now: datetime) -> bool:
        """Write down the state of an account's session.

        One that is back does half for a while, and its nodes need not wait any longer.

        Returns:
            Whether it has changed.
        """
        given = {"account": account, "status": status, "now": now, "until": now + REDUCED_FOR}
        with self._database.transaction() as conn:
            row = conn.execute(self._queries["note_status"], given).fetchone()
            changed = row is not None and row["was"] != status
            if changed:
                conn.execute(self._queries["wake"], {"account": account})
        return changed

    def stop(self, scope: str, reason: str, now: datetime) -> None:
        """Switch something off until a person has looked: `*`, `workflow.node`, or an account."""
        given = {"scope": scope, "reason": reason, "now": now}
        self._database.execute(self._queries["stop"], given)


def _account_of(row: DictRow) -> Account:
    return Account(**{name: row[name] for name in _COLUMNS})
