"""The rows that wait for their parent: for whom, why, since when, and how often looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from psycopg import sql

from syncflow_dagster.nodes.delta.cycles import MEMORY, STEPS, find_rings
from syncflow_dagster.nodes.delta.parents import parent_key
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import DeltaNode, Workflow


class Cause(StrEnum):
    """Why a parent is not there for its children."""

    #: The source never gave a record of that key: an orphan.
    NEVER_SEEN = "never_seen"
    #: The source gives it, but it breaks a rule.
    REJECTED = "rejected"
    #: The source gives it no more.
    DELETED = "deleted"
    #: Its change was refused and is not tried again.
    DEAD = "dead"
    #: It waits for a parent of its own.
    WAITING = "waiting"
    #: Going up from parent to parent leads back to the row.
    CYCLE = "cycle"
    #: It is there or on its way: the next build or push goes on.
    COMING = "coming"


@dataclass(frozen=True)
class Family:
    """A parent and the rows that wait for it.

    Attributes:
        key: The parent's business key, readable.
        children: How many rows wait for it.
        cause: Why it is not there.
        reason: The same in a sentence; for a parent that waits itself, with the first cause.
        since: When the first of the rows began to wait.
        depth: Parents on the way up to the first cause, 1 for the nearest; None where the way
            leads into a cycle.
        path: Keys on that way, shortened where it is long.
    """

    key: str
    children: int
    cause: Cause
    reason: str
    since: datetime
    depth: int | None
    path: tuple[str, ...]


@dataclass(frozen=True)
class WaitingRow:
    """A delta row that waits.

    Attributes:
        delta_id: Its number.
        business_key: The record, readable.
        customer: Whose it is.
        cause: Why it waits.
        reason: The same in a sentence.
        since: Since when.
        tries: Builds of the node or of its parent that have ended since, without a parent for it.
        family: Its parent.
        path: From its parent up; on a cycle from the record itself round to itself.
    """

    delta_id: int
    business_key: str
    customer: str | None
    cause: Cause
    reason: str
    since: datetime
    tries: int
    family: Family
    path: tuple[str, ...]


@dataclass(frozen=True)
class Statistics:
    """The waiting rows of a node in numbers.

    Attributes:
        rows: How many wait.
        causes: Rows by cause.
        first_causes: Rows whose parent waits itself, by what that goes back to.
        families: How many parents they wait for.
        oldest: Since when the first one waits.
        depth: Most parents on a way up to a first cause.
    """

    rows: int = 0
    causes: dict[Cause, int] = field(default_factory=dict)
    first_causes: dict[Cause, int] = field(default_factory=dict)
    families: int = 0
    oldest: datetime | None = None
    depth: int = 0

    def in_words(self) -> str:
        """Return the numbers as a sentence; nothing where nothing waits."""
        if not self.rows:
            return ""
        causes = sorted(self.causes.items(), key=lambda one: -one[1])
        told = ", ".join(f"{rows:,} {cause.replace('_', ' ')}" for cause, rows in causes)
        verb = "record waits for its" if self.rows == 1 else "records wait for their"
        return f"{self.rows:,} {verb} parent: {told}"


@dataclass(frozen=True)
class Waiting:
    """What waits at one node.

    Attributes:
        statistics: In numbers.
        families: The largest families first.
        rows: The rows that wait longest first.
    """

    statistics: Statistics = Statistics()
    families: tuple[Family, ...] = ()
    rows: tuple[WaitingRow, ...] = ()


def waiting(database: Database, workflow: Workflow, node: DeltaNode, limit: int = 50) -> Waiting:
    """Tell which rows of a node wait for a parent, and why.

    Nothing is written. The work grows with the rows that wait, of this node and of those of its
    parents that wait themselves; a family is one piece of work, however many children it has.

    Args:
        database: With the tables of the node and its lineage.
        workflow: The node's workflow.
        node: A delta node; one without a parent has no waiting rows.
        limit: Families and rows at most.
    """
    with database.transaction() as conn:
        # Rows that are let go meanwhile must not be missed further up.
        conn.execute("set transaction isolation level repeatable read")
        conn.execute(MEMORY)
        return _Queue(conn, workflow, workflow.lineage(node)).read(limit)


@dataclass(frozen=True)
class _Queue:
    """One reading; `lineage[0]` is the node that is asked about."""

    conn: psycopg.Connection[DictRow]
    workflow: Workflow
    lineage: list[DeltaNode]

    def read(self, limit: int) -> Waiting:
        if self._parent_place(0) is None or not self._gather():
            return Waiting()
        on_cycle = self._trace()
        statistics = self._statistics(on_cycle)
        found = self._run("oldest_rows", 0, limit=limit, oldest=statistics.oldest).fetchall()
        largest = self._run("largest_families", 0, limit=limit).fetchall()
        wanted = [row["bk"] for row in largest]
        families = self._families({*wanted, *(row["parent_bk_hash"] for row in found)})
        rows = self._rows(found, families)
        return Waiting(statistics, tuple(families[bk] for bk in wanted), tuple(rows))

    def _parent_place(self, place: int | None) -> int | None:
        """Place of the parent of the node at a place, which may be the same."""
        if place is None or self.lineage[place].parent is None:
            return None
        return place if self.lineage[place].is_own_parent else place + 1

    def _gather(self) -> bool:
        """Collect the families, as far up as parents wait themselves; tell if there are any."""
        self._run("create_family", 0)
        for place in range(len(self.lineage)):
            if self._parent_place(place) is None:
                break
            self._run("add_families", place, counts=place == 0)
            if self._run("any_waiting_parent", place).fetchone() is None:
                break
        self._run("index_family", 0)
        self._run("analyse_family", 0)
        return self._run("largest_families", 0, limit=1).fetchone() is not None

    def _trace(self) -> int:
        """Follow all families to their first cause; return how many records are on cycles."""
        for name in ("trace", "key_traced", "analyse_traced", "loose_families"):
            self._run(name, 0)
        return find_rings(self.conn)

    def _statistics(self, on_cycle: int) -> Statistics:
        causes: Counter[Cause] = Counter()
        first_causes: Counter[Cause] = Counter()
        groups = self._run("count_causes", 0).fetchall()
        for group in groups:
            causes[Cause(group["cause"])] += group["rows"]
            if group["cause"] in {Cause.WAITING, Cause.CYCLE}:
                first_causes[Cause(group["root"])] += group["rows"]
        # A row whose parent is on a cycle is not on one itself for that.
        on_cycle = on_cycle if self.lineage[0].is_own_parent else 0
        causes[Cause.WAITING] += causes[Cause.CYCLE] - on_cycle
        causes[Cause.CYCLE] = on_cycle
        first_causes[Cause.CYCLE] -= on_cycle
        return Statistics(
            rows=causes.total(),
            causes=dict(+causes),
            first_causes=dict(+first_causes),
            families=sum(group["families"] for group in groups),
            oldest=min(group["oldest"] for group in groups),
            depth=max(group["depth"] for group in groups),
        )

    def _families(self, keys: Iterable[UUID]) -> dict[UUID, Family]:
        found = self._run("climb", 0, starts=list(keys), steps=STEPS).fetchall()
        ways = groupby(found, lambda row: row["start"])
        return {start: self._family(list(way)) for start, way in ways}

    def _family(self, way: Sequence[DictRow]) -> Family:
        first = way[0]
        is_loose = first["depth"] is None
        return Family(
            key=first["key"],
            children=first["children"],
            cause=Cause(first["fate"]),
            reason=self._sentence(first),
            since=first["since"],
            depth=None if is_loose else first["depth"],
            path=_path(way, is_loose=is_loose),
        )

    def _sentence(self, row: DictRow) -> str:
        told = _told(self.lineage[row["place"]].entity, row["key"], row["fate"], row["detail"])
        if row["fate"] != Cause.WAITING:
            return told
        if row["depth"] is None:
            return f"{told}, and the parents go round in a cycle"
        entity = self.lineage[row["root_place"]].entity
        return f"{told}; " + _told(entity, row["root_key"], row["root_fate"], row["root_detail"])

    def _rows(self, found: Sequence[DictRow], families: dict[UUID, Family]) -> Iterator[WaitingRow]:
        keys = [row["bk_hash"] for row in found] if self.lineage[0].is_own_parent else []
        on_cycle = {row["bk"] for row in self._run("on_rings", 0, keys=keys).fetchall()}
        for row in found:
            family = families[row["parent_bk_hash"]]
            cause, reason, path = family.cause, family.reason, family.path
            if row["bk_hash"] in on_cycle:
                path = _round(row["business_key"], path)
                cause, reason = Cause.CYCLE, f"the parents go round: {shown_way(path)}"
            elif row["has_gone"] and cause is Cause.COMING:
                # What was let go waits at the destination, whose reason the ledger has written.
                reason = row["reason"] or reason
            yield WaitingRow(
                delta_id=row["delta_id"],
                business_key=row["business_key"],
                customer=row["customer"],
                cause=cause,
                reason=reason,
                since=row["state_since"],
                tries=row["tries"],
                family=family,
                path=path,
            )

    def _run(self, name: str, place: int, **given: Any) -> psycopg.Cursor[DictRow]:
        """Run a statement about the node at a place and its parent."""
        node = self.lineage[place]
        above = self._parent_place(place)
        assert above is not None
        parent = self.lineage[above]
        statement = sql.SQL(load("waiting")[name]).format(
            delta=delta_id(node),
            parent_delta=delta_id(parent),
            parent_snapshot=snapshot_id(parent),
            key=parent_key(node),
        )
        place_of = {"place": above, "up_place": self._parent_place(above)}
        who = {"workflow": self.workflow.workflow, "parent": parent.name}
        nodes = {"nodes": [node.name, parent.name]}
        return self.conn.execute(statement, {**place_of, **who, **nodes, **given})


def shown_way(path: Sequence[str]) -> str:
    """Return the keys of a way from parent to parent in one line."""
    return " → ".join(path)


def _told(entity: str, key: str, fate: str, detail: str | None) -> str:
    words = {
        Cause.NEVER_SEEN: "was never seen",
        Cause.REJECTED: f"is rejected: {detail}",
        Cause.DELETED: "is deleted",
        Cause.DEAD: f"is dead: {detail}",
        Cause.WAITING: "waits itself",
        Cause.COMING: "is there or on its way",
    }
    return f"{entity} {key} {words[Cause(fate)]}"


def _path(way: Sequence[DictRow], *, is_loose: bool) -> tuple[str, ...]:
    """Return the keys of a way up: to its end, or to the first record it meets again."""
    keys: list[str] = []
    met = set()
    for row in way:
        keys.append(row["key"])
        if (row["place"], row["bk"]) in met:
            return tuple(keys)
        met.add((row["place"], row["bk"]))
    is_cut = is_loose or (way[0]["depth"] or 0) > len(way)
    return (*keys, "…") if is_cut else tuple(keys)


def _round(key: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the way round a cycle from a record to itself, given the way from its parent."""
    return (key, *path) if path[-1] == "…" else (key, *path[:-1])
