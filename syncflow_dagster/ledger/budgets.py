"""What an account may do now, in PostgreSQL: what one process spends or meets, the others know."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from syncflow_dagster.core import budget as rules
from syncflow_dagster.core import leaving
from syncflow_dagster.core.breaker import Admission
from syncflow_dagster.core.budget import Budget, Limit, Reading
from syncflow_dagster.ledger.breaker import AccountBreaker
from syncflow_dagster.ledger.pauses import AccountPaused, Pause
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.leaving import Leave
    from syncflow_dagster.ledger.ports import Probe
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

#: Seconds a caller is made to wait for a budget; what takes longer is a pause of the account.
LONGEST_WAIT_S = 600.0


class Budgets:
    """The gate of one account: whoever sends anything reserves before and settles after.

    Args:
        database: Where it is kept.
        clock: Time and waiting.
        account: Whose it is.
        first: The budgets, until the service says better.
        probe: Asks the service whether it is there, once its circuit breaker is open; without
            it, such an account is left to others.
        chance: Where jitter is drawn from.
        leave: Asked before and while somebody waits whether he must stop there.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        account: str,
        first: Mapping[str, Limit],
        probe: Callable[[], Probe] | None = None,
        chance: Random | None = None,
        leave: Leave | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._account = account
        self._probe = probe
        self._leave = leave
        self._breaker = AccountBreaker(database, account, chance)
        self._queries = sql.load("budget")
        self._tickets: list[UUID] = []
        #: Seconds this process has waited for a budget.
        self.waited_s = 0.0
        retry_transient(lambda: self._open(first), clock)

    def reserve(self, cost: Mapping[str, int]) -> None:
        """Set the units aside, waiting some minutes in all if need be.

        Raises:
            AccountPaused: nothing may be sent for longer, or the service is not there.
            Left: the work must stop here; nothing is set aside.
        """
        leaving.check(self._leave)
        self._await_service()
        waited = 0.0
        while held := retry_transient(lambda: self._try_reserve(cost), self._clock):
            budget, wait = held
            # Others may be quicker at each turn of a window.
            if waited + wait > LONGEST_WAIT_S:
                raise AccountPaused(self._used_up(budget))
            leaving.wait(self._clock, wait, self._leave)
            waited += wait
            self.waited_s += wait

    def room(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the units of each budget that could be set aside now, and those of a whole window.

        Others may be quicker.
        """
        now = self._clock.now()
        windows = [one for one in self.read() if one.kind != "flight"]
        return (
            {one.name: rules.room(one, now) for one in windows},
            {one.name: one.allowed for one in windows},
        )

    def out_of_reach(self, cost: Mapping[str, int]) -> str | None:
        """Return why a caller would have to wait longer for this than `reserve` lets it, if so."""
        now = self._clock.now()
        for one in self.read():
            if one.kind == "window" and one.name in cost:
                _, wait = rules.reserve(one, cost[one.name], now)
                if wait > LONGEST_WAIT_S:
                    return self._used_up(one).reason
        return None

    def settle(
        self, reserved: Mapping[str, int], actual: Mapping[str, int], readings: Sequence[Reading]
    ) -> None:
        """Turn a reservation into spending and learn from what the service said."""
        landed = self._tickets[:1] if reserved else []
        retry_transient(lambda: self._settle(reserved, actual, readings, landed), self._clock)
        self._tickets = self._tickets[len(landed) :]

    def heard(self, outage: str | None, *, wrote: bool = False) -> None:
        """Tell whether the service answered the last request, whatever it said.

        Args:
            outage: Why the service as a whole did not answer; None if it did.
            wrote: Whether the request was one that writes.
        """
        if outage is None:
            retry_transient(lambda: self._breaker.answered(wrote=wrote), self._clock)
        else:
            retry_transient(lambda: self._breaker.failed(outage, self._clock.now()), self._clock)

    def read(self) -> list[Budget]:
        """Return the budgets as they stand."""
        rows = self._database.fetch_all(self._queries["read"], {"account": self._account})
        return [Budget(**row) for row in rows]

    def _await_service(self) -> None:
        while True:
            admitted = retry_transient(lambda: self._breaker.admit(self._clock.now()), self._clock)
            if isinstance(admitted, Pause):
                raise AccountPaused(admitted)
            if admitted is Admission.GO:
                return
            self._ask()

    def _ask(self) -> None:
        if self._probe is None:
            # Nobody here can ask; the lease that was taken for it lets others in soon.
            seen = self._breaker.read()
            until = seen.probe_until or self._clock.now()
            raise AccountPaused(Pause(f"{self._account} does not answer: {seen.reason}", until))
        probe = self._probe()
        self.settle({}, probe.cost, probe.readings)
        self.heard(probe.outage)

    def _used_up(self, budget: Budget) -> Pause:
        until = budget.window_ends_at
        reason = f"{self._account} has used up its {budget.name} until {until:%Y-%m-%d %H:%M} UTC"
        # What we had of this day is what we may count on tomorrow: others may use the account too.
        ours = max(1, budget.unheard + budget.reserved) if budget.kind == "day" else None
        return Pause(reason, until, ours)

    def _open(self, first: Mapping[str, Limit]) -> None:
        now = self._clock.now()
        with self._database.transaction() as conn:
            self._insert(conn, first, now)

    def _insert(self, conn: Connection, limits: Mapping[str, Limit], now: datetime) -> None:
        budgets = [{"name": name, **Limit(*limit)._asdict()} for name, limit in limits.items()]
        given = {"account": self._account, "budgets": Jsonb(budgets), "now": now}
        conn.execute(self._queries["open"], given)

    def _try_reserve(self, cost: Mapping[str, int]) -> tuple[Budget, float] | None:
        now = self._clock.now()
        with self._database.transaction() as conn:
            budgets = self._lock(conn, cost, now)
            results = [rules.reserve(one, cost[one.name], now) for one in budgets]
            held = max(results, key=lambda result: result[1], default=None)
            if held is not None and held[1]:
                # A window that has turned stays turned, or what it carries over never goes.
                turned = [rules.rolled(one, now) for one in budgets]
                changed = zip(turned, budgets, strict=True)
                self._keep(conn, [one for one, before in changed if one != before])
                return held
            after = [one for one, _ in results]
            self._keep(conn, after)
            tickets = [self._take_off(conn, one, now) for one in after if one.kind == "flight"]
        self._tickets += tickets
        return None

    def _take_off(self, conn: Connection, budget: Budget, now: datetime) -> UUID:
        ticket = uuid4()
        until = now + timedelta(seconds=budget.window_s)
        place = {"account": self._account, "name": budget.name}
        conn.execute(self._queries["take_off"], {**place, "ticket": ticket, "lease_until": until})
        return ticket

    def _settle(
        self,
        reserved: Mapping[str, int],
        actual: Mapping[str, int],
        readings: Sequence[Reading],
        landed: Sequence[UUID],
    ) -> None:
        now = self._clock.now()
        said = {reading.name: reading for reading in readings}
        told = {
            reading.name: Limit(reading.allowed, reading.window_s or 60.0)
            for reading in readings
            if reading.allowed
        }
        with self._database.transaction() as conn:
            budgets = self._lock(conn, {**reserved, **actual, **said}, now)
            if told.keys() - {one.name for one in budgets}:
                self._insert(conn, told, now)
                budgets = self._lock(conn, {**reserved, **actual, **said}, now)
            for ticket in landed:
                conn.execute(self._queries["land"], {"ticket": ticket})
            self._keep(
                conn,
                [
                    rules.settle(
                        one,
                        reserved.get(one.name, 0),
                        actual.get(one.name, reserved.get(one.name, 0)),
                        said.get(one.name),
                        now,
                    )
                    for one in budgets
                ],
            )

    def _lock(self, conn: Connection, names: Mapping[str, object], now: datetime) -> list[Budget]:
        rows = conn.execute(
            self._queries["lock"], {"account": self._account, "names": list(names)}
        ).fetchall()
        return [self._counted(conn, Budget(**row), now) for row in rows]

    def _counted(self, conn: Connection, budget: Budget, now: datetime) -> Budget:
        """Return a budget of flights with those that are really out."""
        if budget.kind != "flight":
            return budget
        place = {"account": self._account, "name": budget.name, "now": now}
        row = conn.execute(self._queries["flying"], place).fetchone()
        assert row is not None
        return replace(budget, reserved=row["requests"])

    def _keep(self, conn: Connection, budgets: Sequence[Budget]) -> None:
        if not budgets:
            return
        rows = [{**asdict(one), "window_ends_at": f"{one.window_ends_at}"} for one in budgets]
        conn.execute(self._queries["keep"], {"account": self._account, "budgets": Jsonb(rows)})
