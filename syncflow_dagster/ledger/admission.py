"""Admission: what may still stop an effect, asked in the transaction that commits its intent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from psycopg.types.json import Jsonb

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.consequences import Consequences
    from syncflow_dagster.ledger.ports import Effect

    Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True, slots=True)
class Held:
    """Why an effect may not go now. It has cost no try.

    Attributes:
        reason: Why.
        until: When it may be asked again. Of one that is cancelled: when what wanted it may want
            it again; None for at once.
        cancel: It is not wanted any more as it is: it ends as CANCELLED.

    Raises:
        ValueError: it is neither cancelled, nor is it said when to ask again.
    """

    reason: str
    until: datetime | None = None
    cancel: bool = False

    def __post_init__(self) -> None:
        """Refuse a wait without an end: the effect would be asked for again at once, for ever."""
        if self.until is None and not self.cancel:
            msg = f"say until when it is held, or cancel it: {self.reason}"
            raise ValueError(msg)


class Admission(Protocol):
    """Decides, with the effects locked, which of them may go."""

    def admit(
        self, conn: Connection, effects: Sequence[Effect], now: datetime
    ) -> Mapping[int, Held]:
        """Return those that may not, by effect id.

        What it counts or reserves it does in this transaction: it is over before anything is sent.

        Args:
            conn: The transaction that commits the intent of the others.
            effects: What is about to be sent, locked; all are CLAIMED.
            now: Database time.
        """
        ...


class Gate:
    """Asks an admission, and holds back what may not go.

    Args:
        queries: The ledger's statements by name.
        consequences: What follows for others.
    """

    def __init__(self, queries: Mapping[str, str], consequences: Consequences) -> None:
        self._queries = queries
        self._consequences = consequences

    def ask(
        self,
        conn: Connection,
        admission: Admission,
        effects: Sequence[Effect],
        worker: int,
        now: datetime,
    ) -> None:
        """Lock the effects that are this worker's, and leave CLAIMED those that may go."""
        ids = [effect.effect_id for effect in effects]
        rows = conn.execute(
            self._queries["lock_claimed"], {"effect_ids": ids, "worker": worker}
        ).fetchall()
        ours = {row["effect_id"] for row in rows}
        # What a first try of this transaction has sent on is not asked about twice.
        asked = [effect for effect in effects if effect.effect_id in ours]
        held = admission.admit(conn, asked, now) if asked else {}
        if held:
            self._hold_back(conn, held, now)

    def _hold_back(self, conn: Connection, held: Mapping[int, Held], now: datetime) -> None:
        verdicts = {number: _verdict(number, one) for number, one in held.items()}
        given = [
            {
                "effect_id": one.effect_id,
                "state": one.state,
                "reason": one.reason,
                "until": None if one.not_before is None else f"{one.not_before}",
            }
            for one in verdicts.values()
        ]
        rows = conn.execute(
            self._queries["hold_back"], {"held": Jsonb(given), "now": now}
        ).fetchall()
        settled = [(row, verdicts[row["effect_id"]]) for row in rows]
        touched = self._consequences.follow(conn, settled, now)
        self._consequences.roll_up(conn, [*rows, *touched], now)


def _verdict(effect_id: int, held: Held) -> Verdict:
    state = EffectState.CANCELLED if held.cancel else EffectState.RETRY
    return Verdict(effect_id, state, "held", held.reason, held.until, counts=False)
