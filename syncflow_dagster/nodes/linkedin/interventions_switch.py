"""Switching off and on: everything, a tenant, a node or an account; and reading an event again.

What is switched off is asked in the transaction that commits each action, so that nothing is sent
after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.interventions import NotPossible, note
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.store.database import Database

#: What the kill switch switches off.
EVERYTHING = "*"
_SCOPE = re.compile(r"\*|unipile:[^/\s]+(/[a-z0-9_]+)?|[a-z0-9_]+\.[a-z0-9_]+")


class Switch:
    """The kill switch; each method is one transaction.

    Args:
        database: Where it is kept.
        clock: Database time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._queries = sql.load("outreach_tools")

    def stop(self, scope: str, by: By) -> str:
        """Switch something off; no action is sent from now on, replies are still taken in.

        Args:
            scope: `*`, a node (`workflow.node`), an account (`unipile:tenant/name`), or a tenant
                (`unipile:tenant`). One that nobody knows yet may be named, too.
            by: Who wants it, and why.

        Raises:
            NotPossible: It is switched off, or nothing can have such a name.
        """
        if _SCOPE.fullmatch(scope) is None:
            known = ", ".join(sorted(self._known())) or "none is known yet"
            msg = (
                f"{scope!r} is neither a node (`workflow.node`) nor an account "
                f"(`unipile:tenant/name`); there are: {known}"
            )
            raise NotPossible(msg)
        now = self._clock.now()
        given = {"scope": scope, "actor": by.actor, "reason": by.reason, "now": now}
        with self._database.transaction() as conn:
            if conn.execute(self._queries["switch_off"], given).fetchone() is None:
                row = next(one for one in self.stops() if one["scope"] == scope)
                msg = f"{scope} is stopped by {row['actor']} since {row['at']:%Y-%m-%d %H:%M}"
                raise NotPossible(msg)
            note(conn, "stop", by, now, {"scope": scope})
        return f"{scope} is stopped: nothing more is sent"

    def start(self, scope: str, by: By) -> str:
        """Switch something on again.

        Raises:
            NotPossible: It is not switched off; the text says what is.
        """
        now = self._clock.now()
        with self._database.transaction() as conn:
            row = conn.execute(self._queries["switch_on"], {"scope": scope}).fetchone()
            if row is None:
                stopped = ", ".join(one["scope"] for one in self.stops()) or "nothing"
                msg = f"{scope} is not stopped; {stopped} is"
                raise NotPossible(msg)
            conn.execute(self._queries["wake"], {"scope": scope})
            was = {"scope": scope, "was": f"{row['actor']}: {row['reason']}"}
            note(conn, "start", by, now, was)
        still = ", ".join(one["scope"] for one in self.stops())
        return f"{scope} may send again" + (f"; still stopped: {still}" if still else "")

    def stops(self) -> list[DictRow]:
        """Return what is switched off: scope, actor, reason, at."""
        return self._database.fetch_all(self._queries["stops"])

    def is_known(self, scope: str) -> bool:
        """Tell whether anybody is a lead of what a scope names."""
        return scope == EVERYTHING or scope in self._known()

    def _known(self) -> set[str]:
        return {row["scope"] for row in self._database.fetch_all(self._queries["known_scopes"])}


def replay(database: Database, clock: Clock, inbox_id: int, by: By) -> str:
    """Have an event of the inbox read again.

    Raises:
        NotPossible: There is none of this number, it waits to be read, or what it said is dropped.
    """
    queries = sql.load("outreach_tools")
    now = clock.now()
    given = {"inbox_id": inbox_id}
    with database.transaction() as conn:
        row = conn.execute(queries["replay"], given).fetchone()
        if row is None:
            found = conn.execute(queries["look_event"], given).fetchone()
            raise NotPossible(_why_not(inbox_id, found))
        # Its key may name a person, and what is noted here stays for good.
        note(conn, "replay", by, now, {"inbox_id": inbox_id})
    return f"event {inbox_id} is read again with the next ones"


def _why_not(inbox_id: int, found: DictRow | None) -> str:
    if found is None:
        return f"there is no event {inbox_id}; `syncflow outreach stuck` lists those that failed"
    if found["processed_at"] is None:
        return f"event {inbox_id} waits to be read already"
    return f"what event {inbox_id} said is no longer kept"
