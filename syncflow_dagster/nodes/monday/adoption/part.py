"""One part of an adoption: the items of a board, or its subitems, against one node's records."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import sql as compose

from syncflow_dagster.core.adoption import Item, Matcher, Record
from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.nodes.monday.adoption.board_items import read_items
from syncflow_dagster.nodes.monday.adoption.takeover import BATCH
from syncflow_dagster.nodes.monday.contract import ContractBroken
from syncflow_dagster.nodes.monday.keys import item_prefix
from syncflow_dagster.store import sql
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.adoption import Choice, Fate
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.monday.adoption.claims import Claims
    from syncflow_dagster.nodes.monday.adoption.planning import AdoptedRow, StandingItem
    from syncflow_dagster.nodes.monday.adoption.report import MappingReport
    from syncflow_dagster.nodes.monday.adoption.staging import Staging
    from syncflow_dagster.nodes.monday.adoption.takeover import Takeover
    from syncflow_dagster.nodes.monday.census import BoardReader
    from syncflow_dagster.nodes.monday.contract import Board
    from syncflow_dagster.workflows.models import DeltaNode

_T = TypeVar("_T")

#: Records read from the database at a time.
_READ_ROWS = 2_000
#: A person's questions, as effect and delta row tell them.
_SEVERAL = "the board has several items for it: {}; keep one of them, then adopt again"
_UNCLEAR = "items of the board may stand for it or for another record: {}; write its record id {} "
_UNCLEAR += "into the one that is its own, then adopt again"
_ABOVE = "it is not decided which item of the board its item is; adopt again once it is"


@dataclass(slots=True)
class Shared:
    """What the parts of an adoption have in common.

    Attributes:
        session: A session of the adoption's own.
        clock: Database time.
        dry_run: Take nothing over.
        duplicates: See `AdoptionOptions`.
        progress: Told how far it is.
        record_of: The record an item stands for, by monday's id.
        undecided: Records of which nobody knows the item.
    """

    session: psycopg.Connection[DictRow]
    clock: Clock
    dry_run: bool
    duplicates: Choice
    progress: Callable[[str], None]
    record_of: dict[str, UUID]
    undecided: set[UUID] = field(default_factory=set)


@dataclass(frozen=True)
class Part:
    """What one mapping's adoption works with.

    Attributes:
        shared: What it has in common with the other part.
        claims: How items tell their records.
        takeover: Writes what is found.
        staging: Keeps what items show.
        reader: Reads the board.
        board: The board, as it is described.
        parent: The delta node of the records' parents.
        report: Takes the findings.
    """

    shared: Shared
    claims: Claims
    takeover: Takeover
    staging: Staging
    reader: BoardReader
    board: Board
    parent: DeltaNode | None
    report: MappingReport

    def run(self) -> None:
        """Read, match, take over.

        Raises:
            BoardUnavailable: monday did not answer, or refused.
            ContractBroken: The board lacks a column that is to be read.
        """
        if self.parent is not None:
            with self._transaction() as conn:
                release_waiting(conn, self.claims.node, self.parent)
        self.staging.begin()
        matcher = Matcher(self._read(), self.shared.duplicates)
        children, gone = self._see(matcher)
        matching = matcher.settle()
        taken, held = self._sorted(matching.fates)
        self._adopt(taken)
        self._hold([*held, *children])
        for batch in _batches(gone):
            with self._transaction() as conn:
                self.takeover.let_go(conn, batch, self.shared.clock.now())
        for ids in _batches(matching.left):
            for item in self.staging.read(ids).values():
                self._left(item.item_id, item.name, "the source has no record it would stand for")

    def _read(self) -> Iterator[Item]:
        """Read the board; give what each item says that the ledger does not know."""
        seen: set[str] = set()
        record_of = self.shared.record_of
        for page in read_items(self.reader, self.board.board_id, self._columns()):
            # An item that is moved meanwhile comes twice.
            items = [one for one in page if one.item_id not in seen]
            seen.update(one.item_id for one in items)
            fresh = [one for one in items if one.item_id not in record_of]
            self.staging.keep(fresh)
            parents = [record_of.get(one.parent or "") for one in fresh]
            for item, says in zip(fresh, self.claims.of_items(fresh, parents), strict=True):
                if isinstance(says, Item):
                    yield says
                else:
                    self._left(item.item_id, item.name, says)
            self.report.items = len(seen)
            self.shared.progress(f"{self.report.entity}: {len(seen):,} items read")
        self.report.requests = self.reader.requests

    def _columns(self) -> list[str]:
        mapping = self.claims.mapping
        wanted = [
            mapping.key_column,
            *(one.column for one in mapping.columns),
            *(one.column for one in mapping.statuses),
            *(column for column in self.claims.columns.values() if column != "name"),
        ]
        missing = [one for one in wanted if one not in self.board.columns]
        if missing:
            known = ", ".join(self.board.columns)
            msg = f"board {self.board.board_id} has no column {missing[0]!r} (it has: {known})"
            raise ContractBroken(msg)
        return list(dict.fromkeys(wanted))

    def _see(self, matcher: Matcher) -> tuple[list[tuple[Record, str]], list[Record]]:
        """Show the matcher all records.

        Returns:
            Records to hold since their parents' items are not known, and those asked about that
            the board has no item of.
        """
        children: list[tuple[Record, str]] = []
        gone: list[Record] = []
        for record in self._records():
            is_found = matcher.see(record)
            if record.item_id is not None:
                self.report.tell("adopted_before", record=record.label, item=record.item_id)
            elif record.parent in self.shared.undecided:
                self.report.tell("held", record=record.label)
                if record.question is None and record.state == DeltaState.PENDING:
                    children.append((record, _ABOVE))
            elif not is_found:
                self.report.tell("unmatched_record", record=record.label, state=record.state)
                if record.question is not None:
                    gone.append(record)
        return children, gone

    def _records(self) -> Iterator[Record]:
        statement, fields = self._statement()
        prefix = item_prefix(self.takeover.node.board_id)
        session = self.shared.session
        with session.transaction(), session.cursor("adopt_records") as cursor:
            cursor.itersize = _READ_ROWS
            for found in cursor.execute(statement, {"prefix": prefix}):
                values = {name: found[f"v_{name}"] for name in fields}
                keys = {name: found[f"k_{name}"] for name in self.claims.key}
                yield Record(
                    found["record_uuid"],
                    found["business_key"],
                    self.claims.of_record({**found, **keys}, values or None),
                    found["parent_uuid"],
                    found["item_id"],
                    found["delta_id"],
                    found["state"],
                    found["question"],
                    found["unsent"],
                )

    def _statement(self) -> tuple[compose.Composed, list[str]]:
        """Return the query of all records, and the fields it asks for beside the key's."""
        node = self.claims.node
        fields = [one.name for one in node.fields] if self.claims.mapping.adopt.by_name else []
        shown = [("s", name, f"k_{name}") for name in self.claims.key]
        shown += [("d", name, f"v_{name}") for name in fields]
        text: Any = sql.load("adopt")["records"]
        named = [
            compose.SQL(", {} as {}").format(compose.Identifier(*place), compose.Identifier(alias))
            for *place, alias in shown
        ]
        parents = node if self.parent is None else self.parent
        return compose.SQL(text).format(
            snapshot=snapshot_id(node),
            parents=snapshot_id(parents),
            delta=delta_id(node),
            shown=compose.Composed(named),
        ), fields

    def _sorted(
        self, fates: Sequence[Fate]
    ) -> tuple[list[tuple[Record, str, Fate]], list[tuple[Record, str]]]:
        """Tell what was found; return records with their items, and records to ask about."""
        taken: list[tuple[Record, str, Fate]] = []
        held: list[tuple[Record, str]] = []
        for fate in fates:
            record, items = fate.record, list(fate.items)
            if record.parent in self.shared.undecided:
                continue
            if fate.outcome != "matched":
                self.report.tell(fate.outcome, record=record.label, items=items, chosen=fate.chosen)
            is_unsent = record.unsent or record.state == DeltaState.PENDING
            if record.item_id is not None:
                continue
            if not (is_unsent or record.question is not None):
                self.report.tell("under_way", record=record.label, items=items, state=record.state)
            elif fate.chosen is not None:
                taken.append((record, fate.chosen, fate))
            elif record.question is None:
                held.append((record, _question(fate)))
            if fate.chosen is None:
                self.shared.undecided.add(record.record_uuid)
        return taken, held

    def _adopt(self, taken: Sequence[tuple[Record, str, Fate]]) -> None:
        for batch in _batches(taken):
            items = self.staging.read([item_id for _, item_id, _ in batch])
            pairs = [(record, items[item_id]) for record, item_id, _ in batch]
            with self._transaction() as conn:
                done = self.takeover.adopt(conn, pairs, self.shared.clock.now())
                crash_point("adopt.batch_written")
            crash_point("adopt.batch_committed")
            for record, item_id, fate in batch:
                self.shared.record_of[item_id] = record.record_uuid
                self._tell(record, items[item_id], fate, done[item_id])
            self.shared.progress(f"{self.report.entity}: {self.report.counts['matched']:,} matched")

    def _tell(self, record: Record, item: StandingItem, fate: Fate, adopted: AdoptedRow) -> None:
        label = {"record": record.label, "item": item.item_id}
        self.report.tell("matched", **label, by=fate.how)
        self.report.keys_to_fill += adopted.fills_key
        if adopted.rejected:
            self.report.tell("refused", **label, reason=adopted.rejected)
        differing = {
            one.column: {"board": one.board, "record": one.record} for one in adopted.mismatches
        }
        above = self.shared.record_of.get(item.parent or "")
        if self.claims.is_subitems and above != record.parent:
            differing["parent"] = {"board": item.parent or "", "record": str(record.parent)}
        if differing:
            self.report.tell("mismatch", **label, columns=differing)
        if not self.takeover.keep_board:
            self.report.values_to_write += len(adopted.mismatches)

    def _hold(self, held: Sequence[tuple[Record, str]]) -> None:
        for batch in _batches(held):
            with self._transaction() as conn:
                refused = self.takeover.hold(conn, batch, self.shared.clock.now())
            for label, reason in refused.items():
                self.report.tell("refused", record=label, reason=reason)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[DictRow]]:
        session = self.shared.session
        with session.transaction(force_rollback=self.shared.dry_run):
            yield session

    def _left(self, item_id: str, name: str, reason: str) -> None:
        self.report.tell("unmatched_item", item=item_id, name=name, reason=reason)


def _question(fate: Fate) -> str:
    items = ", ".join(fate.items)
    if fate.outcome == "duplicate":
        return _SEVERAL.format(items)
    return _UNCLEAR.format(items, fate.record.record_uuid)


def _batches(all_of_them: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(all_of_them), BATCH):
        yield all_of_them[start : start + BATCH]
