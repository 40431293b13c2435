"""Taking over: what is found is written to ledger and delta, a batch in a transaction.

Nothing is sent. A batch that is committed is known from then on, so a process that dies in between
is followed by one that does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.ledger.consequences import Consequences
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.nodes.monday.adoption.gate import AdoptionUnfinished
from syncflow_dagster.nodes.monday.adoption.planning import adoption_planner, plan_adopted
from syncflow_dagster.nodes.monday.keys import item_key
from syncflow_dagster.nodes.monday.plan import Planner, Presence
from syncflow_dagster.nodes.monday.plan_rows import delta_row
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.adoption import Record
    from syncflow_dagster.nodes.monday.adoption.planning import AdoptedRow, StandingItem
    from syncflow_dagster.nodes.monday.columns import Options
    from syncflow_dagster.nodes.monday.plan import DeltaRow
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import DeltaNode, MondayPushNode

    Connection = psycopg.Connection[DictRow]

#: Records taken over in one transaction.
BATCH = 500


@dataclass(frozen=True)
class Takeover:
    """Writes what was found of one mapping's records.

    Attributes:
        database: Ledger and delta tables.
        workflow: The workflow's name.
        node: The push node.
        source: The delta node of the records.
        is_subitems: Whether they are subitems.
        account: The account's name, as effects have it.
        options: What of the account's settings decides how values are written.
        keep_board: Leave what differs as the board has it.
    """

    database: Database
    workflow: str
    node: MondayPushNode
    source: DeltaNode
    is_subitems: bool
    account: str
    options: Options
    keep_board: bool

    def adopt(
        self, conn: Connection, pairs: Sequence[tuple[Record, StandingItem]], now: datetime
    ) -> dict[str, AdoptedRow]:
        """Make items those of their records, and plan what they lack.

        Args:
            conn: A transaction.
            pairs: Records that have an open delta row or question, each with its item.
            now: Database time.

        Returns:
            What became of each, by monday's id of the item.

        Raises:
            AdoptionUnfinished: A build has changed one of the records meanwhile.
        """
        records = [record for record, _ in pairs]
        rows = self._rows(conn, records)
        touched = self._withdraw(conn, records, now) + self._answer(conn, pairs, now)
        pending = self._pending(conn, records, now)
        planner = self._planner(conn, list(rows.values()))
        done: dict[str, AdoptedRow] = {}
        settled: list[tuple[DeltaRow, AdoptedRow]] = []
        for record, item in pairs:
            row = rows[record.delta_id]
            adopted = plan_adopted(planner, row, item, keep_board=self.keep_board)
            done[item.item_id] = adopted
            self._insert(conn, adopted.effects)
            if row.delta_id in pending:
                settled.append((row, adopted))
        self._keep(conn, [(rows[record.delta_id], item) for record, item in pairs])
        self._settle(conn, [(row, one.state, one.reason) for row, one in settled], now)
        others = [one for one in touched if one["delta_id"] not in pending]
        Consequences(sql.load("effects")).roll_up(conn, others, now)
        return done

    def hold(
        self, conn: Connection, records: Sequence[tuple[Record, str]], now: datetime
    ) -> dict[str, str]:
        """Ask a person about records that may be on the board already, instead of making them.

        Args:
            conn: A transaction.
            records: Records that nothing was sent of, each with the question.
            now: Database time.

        Returns:
            Why a record cannot be written as it is, by its key.

        Raises:
            AdoptionUnfinished: See `adopt`.
        """
        asked = [record for record, _ in records]
        rows = self._rows(conn, asked)
        touched = self._withdraw(conn, asked, now)
        pending = self._pending(conn, asked, now)
        part = self.node.subitems if self.is_subitems else self.node.items
        assert part is not None
        keys = sorted({k for row in rows.values() for k in Planner(self.node, part, {}).keys(row)})
        presence, lives = self._known(conn, keys)
        planner = Planner(self.node, part, presence, lives, self.options)
        settled = []
        refused: dict[str, str] = {}
        for record, question in records:
            row = rows[record.delta_id]
            plan = planner.plan(row)
            asking = [
                replace(one, question=question) if one.creates and one.delta_id else one
                for one in plan.effects
            ]
            self._insert(conn, asking)
            if plan.rejected:
                refused[row.label] = plan.rejected
            settled.append((row, "DEAD" if plan.rejected else "PUSHING", plan.rejected or question))
        self._settle(conn, settled, now)
        others = [one for one in touched if one["delta_id"] not in pending]
        Consequences(sql.load("effects")).roll_up(conn, others, now)
        return refused

    def let_go(self, conn: Connection, records: Sequence[Record], now: datetime) -> None:
        """Let records be made after all that the board no longer has an item of."""
        found = conn.execute(
            sql.load("adopt")["answer_absent"],
            {"effect_ids": [record.question for record in records], "now": now},
        ).fetchall()
        Consequences(sql.load("effects")).roll_up(conn, found, now)

    def _answer(
        self, conn: Connection, pairs: Sequence[tuple[Record, StandingItem]], now: datetime
    ) -> list[DictRow]:
        """Answer what an earlier adoption asked."""
        asked = [(record, item) for record, item in pairs if record.question is not None]
        if not asked:
            return []
        given = {
            "effect_ids": [record.question for record, _ in asked],
            "remote_ids": [item.item_id for _, item in asked],
            "now": now,
        }
        return conn.execute(sql.load("adopt")["answer_found"], given).fetchall()

    def _withdraw(
        self, conn: Connection, records: Sequence[Record], now: datetime
    ) -> list[DictRow]:
        """Take back what was planned for records, but was not sent; return the rows it was for."""
        planned = [one for one in records if one.unsent or one.question is not None]
        if not planned:
            return []
        given = {"object_keys": [self._key(one) for one in planned], "now": now}
        return conn.execute(sql.load("adopt")["void_unsent"], given).fetchall()

    def _pending(self, conn: Connection, records: Sequence[Record], now: datetime) -> set[int]:
        """Return which rows are to be planned, after opening those of which nothing is left."""
        text: Any = sql.load("adopt")["reopen"]
        statement = compose.SQL(text).format(delta=delta_id(self.source))
        ids = [record.delta_id for record in records if record.delta_id is not None]
        opened = conn.execute(statement, {"delta_ids": ids, "now": now}).fetchall()
        pending = {one.delta_id for one in records if one.state == DeltaState.PENDING}
        return {row["delta_id"] for row in opened} | {one for one in pending if one is not None}

    def _rows(self, conn: Connection, records: Sequence[Record]) -> dict[int | None, DeltaRow]:
        text: Any = sql.load("adopt")["lock_rows"]
        statement = compose.SQL(text).format(delta=delta_id(self.source))
        ids = [record.delta_id for record in records]
        names = [rule.name for rule in self.source.fields]
        found = conn.execute(statement, {"delta_ids": ids}).fetchall()
        if len(found) < len(ids):
            msg = (
                f"records of {self.source.name} changed while the board of {self.node.name} was "
                "adopted; run `syncflow adopt` again, it goes on with what is left"
            )
            raise AdoptionUnfinished(msg)
        return {row["delta_id"]: delta_row(self.source.table, names, row) for row in found}

    def _planner(self, conn: Connection, rows: Sequence[DeltaRow]) -> Planner:
        planner = adoption_planner(self.node, self.is_subitems, {}, self.options)
        if self.is_subitems:
            return planner
        groups = sorted({planner.group_of(row)[0] for row in rows})
        presence, lives = self._known(conn, groups)
        return replace(planner, presence=presence, lives=lives)

    def _known(
        self, conn: Connection, keys: Sequence[str]
    ) -> tuple[dict[str, Presence], dict[str, int]]:
        """Return what is at the board or on its way, and how many lives each has had."""
        presence: dict[str, Presence] = {}
        lives: dict[str, int] = {}
        for row in EffectStore(self.database).presence(conn, keys):
            if row["generation"] is not None:
                lives[row["object_key"]] = row["generation"]
            if row["remote_id"] is not None:
                presence[row["object_key"]] = Presence.LIVE
            elif row["coming"]:
                presence[row["object_key"]] = Presence.COMING
        return presence, lives

    def _insert(self, conn: Connection, effects: Sequence[Any]) -> None:
        scope = Scope(self.workflow, self.node.name, 0)
        EffectStore(self.database).insert(conn, effects, scope=scope, account=self.account)

    def _keep(self, conn: Connection, pairs: Sequence[tuple[DeltaRow, StandingItem]]) -> None:
        keys = [item_key(self.node.board_id, row.record_uuid) for row, _ in pairs]
        lives = self._known(conn, keys)[1]
        conn.execute(
            sql.load("effects")["keep_objects"],
            {
                "object_keys": keys,
                "remote_ids": [item.item_id for _, item in pairs],
                "generations": [
                    max(row.generation, lives.get(key, 0) + 1)
                    for key, (row, _) in zip(keys, pairs, strict=True)
                ],
            },
        )

    def _settle(
        self, conn: Connection, rows: Sequence[tuple[DeltaRow, str, str | None]], now: datetime
    ) -> None:
        text: Any = sql.load("push")["settle_rows"]
        conn.execute(
            compose.SQL(text).format(table=compose.Identifier(self.source.table)),
            {
                "delta_ids": [row.delta_id for row, _, _ in rows],
                "states": [state for _, state, _ in rows],
                "reasons": [reason for _, _, reason in rows],
                "now": now,
            },
        )

    def _key(self, record: Record) -> str:
        return item_key(self.node.board_id, record.record_uuid)
