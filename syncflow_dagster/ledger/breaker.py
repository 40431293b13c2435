"""The circuit breaker of an account in PostgreSQL: what one process meets, the others know."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import TYPE_CHECKING

from syncflow_dagster.core import breaker as rules
from syncflow_dagster.core.breaker import Admission, Breaker
from syncflow_dagster.ledger.pauses import Pause
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.store.database import Database


class AccountBreaker:
    """The breaker of one account; one transaction per method.

    Args:
        database: Where it is kept.
        account: Whose it is.
        chance: Where the length of a pause is drawn from.
    """

    def __init__(self, database: Database, account: str, chance: Random | None = None) -> None:
        self._database = database
        self._account = account
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._queries = sql.load("budget")
        # As last seen by this process: an account without failures is not written to.
        self._seen = Breaker()

    def read(self) -> Breaker:
        """Return the breaker as it stands."""
        row = self._database.fetch_one(self._queries["breaker"], {"account": self._account})
        self._seen = Breaker(**row) if row else Breaker()
        return self._seen

    def admit(self, now: datetime) -> Pause | Admission:
        """Return whether something may be sent: at once, after a question, or only later."""
        if self.read().open_until is None:
            return Admission.GO
        admissions: list[Admission] = []

        def ask(before: Breaker) -> Breaker:
            after, admission = rules.admit(before, now)
            admissions.append(admission)
            return after

        after = self._change(ask)
        if admissions[-1] is not Admission.WAIT:
            return admissions[-1]
        reason = f"{self._account} does not answer: {after.reason}"
        return Pause(reason, rules.look_again_at(after))

    def failed(self, reason: str, now: datetime) -> None:
        """Note that the service as a whole did not answer a request."""
        self._change(lambda before: rules.after_failure(before, reason, now, self._chance))

    def answered(self, *, wrote: bool) -> None:
        """Note that the service answered; see `core.breaker.after_answer`."""
        if rules.after_answer(self._seen, wrote=wrote) != self._seen:
            self._change(lambda before: rules.after_answer(before, wrote=wrote))

    def _change(self, rule: Callable[[Breaker], Breaker]) -> Breaker:
        place = {"account": self._account}
        with self._database.transaction() as conn:
            conn.execute(self._queries["new_breaker"], place)
            row = conn.execute(self._queries["lock_breaker"], place).fetchone()
            assert row is not None
            after = rule(Breaker(**row))
            conn.execute(self._queries["keep_breaker"], {**place, **asdict(after)})
        self._seen = after
        return after
