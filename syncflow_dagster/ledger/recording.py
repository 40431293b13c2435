"""What a delivery writes down: each call is safe to repeat, a restart of PostgreSQL sat out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from syncflow_dagster.core.states import SETTLED_EFFECTS
from syncflow_dagster.ledger.delivery_report import DeliveryReport, Teller
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.effects import EffectStore, Scope
    from syncflow_dagster.ledger.verdicts import Verdict
    from syncflow_dagster.store.database import Database

_T = TypeVar("_T")
#: Outcomes written in one transaction.
_AT_ONCE = 1_000


class Recorder:
    """Writes outcomes into the ledger and counts them in the report.

    Args:
        database: Where the ledger is.
        clock: Database time, and waiting.
        effects: The ledger.
        scope: Which effects.
        progress: Told how far it is.

    Attributes:
        report: What the delivery did.
        last_end: When an effect was last brought to an end.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        effects: EffectStore,
        scope: Scope,
        progress: Teller | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._effects = effects
        self._scope = scope
        self._progress = progress
        self.report = DeliveryReport()
        self.last_end = self.now()

    def now(self) -> datetime:
        """Return the database's time."""
        return self.safely(self._clock.now)

    def safely(self, call: Callable[[], _T]) -> _T:
        """Make a call that is one transaction, again if the database went away in it."""
        return retry_transient(call, self._clock, attempts=20)

    def settle(
        self,
        action: str,
        verdicts: Sequence[Verdict],
        request_ids: dict[int, UUID],
        log_as: UUID | None = None,
    ) -> None:
        """Record what became of effects.

        Args:
            action: `send` or `lookup`.
            verdicts: The new states.
            request_ids: Request each effect was sent under.
            log_as: What the attempt is logged as, where that is not the request.
        """
        logged = dict.fromkeys(request_ids, log_as) if log_as else request_ids
        for start in range(0, len(verdicts), _AT_ONCE):
            some = verdicts[start : start + _AT_ONCE]
            self.safely(partial(self._write, action, some, request_ids, logged))
            crash_point("deliver.outcomes_committed")
        self.report.outcomes.update(one.outcome for one in verdicts)
        if any(one.state in SETTLED_EFFECTS for one in verdicts):
            self.last_end = self.now()

    def _write(
        self,
        action: str,
        verdicts: Sequence[Verdict],
        request_ids: dict[int, UUID],
        logged: dict[int, UUID],
    ) -> None:
        now = self._clock.now()
        with self._database.transaction() as conn:
            self._effects.settle(conn, verdicts, request_ids, now)
            self._effects.log_attempts(conn, action, verdicts, logged, now)
            crash_point("deliver.outcomes_written")

    def tell(self) -> None:
        """Tell how far it is."""
        if self._progress is not None:
            self._progress(self.report, lambda: self._effects.remaining(self._scope))
