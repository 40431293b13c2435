"""What follows from an effect's outcome: objects begin and end, other effects fall away."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.core.states import EffectState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.verdicts import Verdict

    Connection = psycopg.Connection[DictRow]

#: Effects that end the life of their object when they are done.
RETIRING_KINDS = frozenset({"archive_item", "archive_subitem"})


class Consequences:
    """Writes what follows, always in the caller's transaction.

    Args:
        queries: The ledger's statements by name.
    """

    def __init__(self, queries: Mapping[str, str]) -> None:
        self._queries = queries

    def retire(self, conn: Connection, object_key: str, now: datetime) -> None:
        """Note that an object is no longer at the service."""
        conn.execute(
            self._queries["retire_object"],
            {"object_key": object_key, "now": now},
        )

    def follow(
        self, conn: Connection, settled: Sequence[tuple[DictRow, Verdict]], now: datetime
    ) -> list[DictRow]:
        """Do what outcomes entail; return the other delta rows they touch.

        Args:
            conn: The transaction.
            settled: Effects whose states have just been written, with their verdicts.
            now: Database time.
        """
        self._keep(conn, settled)
        touched: list[DictRow] = []
        for row, verdict in settled:
            is_done = verdict.state == EffectState.DONE
            if verdict.gone or (is_done and row["kind"] in RETIRING_KINDS):
                self.retire(conn, row["object_key"], now)
            elif verdict.state in {EffectState.DEAD, EffectState.CANCELLED} and row["creates"]:
                place = {"object_key": row["object_key"], "now": now}
                reason = f"not created: {verdict.reason}"
                touched += self._refused(conn, row, {**place, "reason": reason})
        return touched

    def _keep(self, conn: Connection, settled: Sequence[tuple[DictRow, Verdict]]) -> None:
        made = [
            (row, verdict)
            for row, verdict in settled
            # What has no id of its own cannot be named by others.
            if verdict.state == EffectState.DONE and row["creates"] and verdict.remote_id
        ]
        if made:
            given = {
                "object_keys": [row["object_key"] for row, _ in made],
                "remote_ids": [verdict.remote_id for _, verdict in made],
                "generations": [row["generation"] for row, _ in made],
            }
            conn.execute(self._queries["keep_objects"], given)

    def _refused(self, conn: Connection, row: DictRow, place: dict[str, object]) -> list[DictRow]:
        place |= {name: row[name] for name in ("delta_table", "delta_id", "effect_id")}
        if row["delta_table"]:
            voided = conn.execute(self._queries["void_newer"], place).fetchall()
            self._run(
                conn,
                "plan_again",
                row["delta_table"],
                {"delta_ids": sorted({one["delta_id"] for one in voided}), "now": place["now"]},
            )
        return conn.execute(self._queries["cancel_followers"], place).fetchall()

    def end_with(self, conn: Connection, ended: Sequence[DictRow], now: datetime) -> list[DictRow]:
        """Retire what went together with objects that are gone, and drop its own archiving."""
        if not ended:
            return []
        place = {name: ended[0][name] for name in ("workflow", "node")}
        keys = [row["object_key"] for row in ended]
        gone = conn.execute(
            self._queries["end_with"], {**place, "object_keys": keys, "now": now}
        ).fetchall()
        for row in gone:
            self.retire(conn, row["object_key"], now)
        return gone

    def roll_up(self, conn: Connection, rows: Iterable[DictRow], now: datetime) -> None:
        """Bring the states of delta rows in line with those of their effects."""
        by_table: dict[str, set[int]] = defaultdict(set)
        for row in rows:
            if row["delta_table"]:
                by_table[row["delta_table"]].add(row["delta_id"])
        for table, ids in sorted(by_table.items()):
            params = {"delta_table": table, "delta_ids": sorted(ids), "now": now}
            self._run(conn, "roll_up", table, params)

    def _run(self, conn: Connection, name: str, table: str, params: Mapping[str, object]) -> None:
        text: Any = self._queries[name]
        conn.execute(compose.SQL(text).format(table=compose.Identifier(table)), params)
