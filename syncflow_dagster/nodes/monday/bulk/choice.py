"""Which lane planned effects take, by size and kind, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.bulk.file import MOST_ROWS
from syncflow_dagster.nodes.monday.bulk.fit import misfit
from syncflow_dagster.nodes.monday.keys import group_prefix
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.monday.bulk.fit import FileColumns
    from syncflow_dagster.workflows.models import MondayPushNode

    Connection = psycopg.Connection[DictRow]

#: First API version with bulk jobs (developer.monday.com, "importing items in bulk").
FIRST_VERSION = "2026-07"
#: To open a job, and to see it begin, at work and ended.
_CALLS_OF_JOB = 4
_CHUNK = 1_000
#: Reasons for which items do not fit in a file that are told one by one.
_MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """Which way some effects go, and why.

    Attributes:
        lane: `bulk job` or `mutations`.
        kind: What they do.
        effects: How many.
        why: Why this way.
    """

    lane: str
    kind: str
    effects: int
    why: str


@dataclass(frozen=True, slots=True)
class DayCalls:
    """What a plan needs of the calls an account has in a day.

    Attributes:
        needed: Calls it needs at least.
        left: Calls left until midnight UTC.
        per_day: Calls of a whole day.
    """

    needed: int
    left: int
    per_day: int

    def in_words(self) -> str:
        """Return it as a part of a sentence."""
        told = f"at least {self.needed:,} calls; {self.left:,} are left today"
        over = self.needed - self.left
        if over <= 0:
            return told
        days = -(-over // self.per_day)
        return f"{told}, and the rest takes {days:,} more day{'s' if days > 1 else ''}"


def calls_of(choices: Iterable[LaneChoice], batch_size: int) -> int:
    """Return the calls that planned effects need at least.

    Args:
        choices: Which way they go.
        batch_size: Mutations one request carries at most.
    """
    lanes: Counter[str] = Counter()
    for one in choices:
        if one.lane == "mutations":
            lanes[one.lane] += one.effects
        elif one.kind == "create_item":
            lanes[one.lane] += -(-one.effects // MOST_ROWS)
    return -(-lanes["mutations"] // batch_size) + _CALLS_OF_JOB * lanes["bulk job"]


@dataclass(slots=True)
class _Sorted:
    fitting: list[int] = field(default_factory=list)
    with_statuses: set[int] = field(default_factory=set)
    unfit: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class LaneChooser:
    """Decides, for one push node, which of its planned effects go in bulk jobs.

    Only new items do. A file makes no groups, moves and archives nothing, and does not find a
    subitem again. It could change an item, but would make a new one where the old has gone, and
    the look that rules this out costs as many calls as the mutations. Statuses of new items go
    along in the file, where it can say them.

    Args:
        workflow: Name of the workflow.
        node: The push node.
        api_version: The connection's version of monday's API.
        columns: What of the board decides whether an item can be made from a file.
        room: Items that jobs may still make in this hour.
    """

    def __init__(
        self,
        workflow: str,
        node: MondayPushNode,
        api_version: str,
        columns: FileColumns,
        room: int,
    ) -> None:
        self._node = node
        self._version = api_version
        self._columns = columns
        self._room = room
        self._place = {"workflow": workflow, "node": node.name}
        self._queries = sql.load("lanes")

    def choose(self, conn: Connection, now: datetime) -> list[LaneChoice]:
        """Decide what is planned and undecided, in the caller's transaction."""
        least = self._node.bulk_from
        if least is None:
            return self._rest(conn, "the workflow sets bulk_from to null")
        if self._version < FIRST_VERSION:
            return self._rest(conn, f"API version {self._version} has no bulk jobs")
        given = {**self._place, "least": least}
        choices: list[LaneChoice] = []
        for row in conn.execute(self._queries["crowds"], given).fetchall():
            choices += self._crowd(conn, row["parent_key"], least, now)
        rest = f"fewer than {least:,} (bulk_from) of them are new in one group"
        return choices + self._rest(conn, rest)

    def _crowd(
        self, conn: Connection, group_key: str, least: int, now: datetime
    ) -> Iterator[LaneChoice]:
        title = group_key.removeprefix(group_prefix(self._node.board_id))
        found = self._sort(conn, group_key)
        self._decide(conn, found.unfit, bulk=False)
        yield from _told(found, title)
        if len(found.fitting) < least:
            return
        in_jobs, over = found.fitting[: self._room], found.fitting[self._room :]
        self._room -= len(in_jobs)
        self._decide(conn, in_jobs, bulk=True)
        along = [one for one in in_jobs if one in found.with_statuses]
        if along:
            conn.execute(self._queries["take_along"], {"effect_ids": along, "now": now})
        self._decide(conn, over, bulk=False)
        if in_jobs:
            why = self._why(in_jobs, title)
            yield LaneChoice("bulk job", "create_item", len(in_jobs), why)
        if along:
            yield LaneChoice("bulk job", "set_status", len(along), _ALONG)
        if over:
            why = f"monday takes no more than this by jobs in an hour; group {title!r}"
            yield LaneChoice("mutations", "create_item", len(over), why)

    def _why(self, items: list[int], title: str) -> str:
        jobs = -(-len(items) // MOST_ROWS)
        requests = -(-len(items) // self._node.batch_size)
        points = costs.mutations(["create_item"] * len(items)) / 1_000_000
        return (
            f"{len(items):,} new items of group {title!r}: {jobs} job{'s' if jobs > 1 else ''} "
            f"instead of {requests:,} requests and {points:,.1f} million points"
        )

    def _sort(self, conn: Connection, group_key: str) -> _Sorted:
        found, after = _Sorted(), 0
        while True:
            given = {**self._place, "parent_key": group_key, "after": after, "limit": _CHUNK}
            rows = conn.execute(self._queries["crowd"], given).fetchall()
            if not rows:
                return found
            after = rows[-1]["effect_id"]
            for row in rows:
                self._sort_one(row, found)

    def _sort_one(self, row: DictRow, found: _Sorted) -> None:
        payload, statuses = row["payload"], row["statuses"]
        why = self._misfit(payload)
        if why is not None:
            found.unfit.append(row["effect_id"])
            found.reasons[why] += 1
            return
        found.fitting.append(row["effect_id"])
        if statuses and not self._misfit({**payload, "columns": payload["columns"] | statuses}):
            found.with_statuses.add(row["effect_id"])

    def _misfit(self, payload: Mapping[str, Any]) -> str | None:
        return misfit(payload, self._columns.types, self._columns.labels)

    def _decide(self, conn: Connection, effect_ids: list[int], *, bulk: bool) -> None:
        if effect_ids:
            conn.execute(self._queries["decide"], {"effect_ids": effect_ids, "bulk": bulk})

    def _rest(self, conn: Connection, why_items: str) -> list[LaneChoice]:
        rows = conn.execute(self._queries["others"], self._place).fetchall()
        return [
            LaneChoice("mutations", row["kind"], row["effects"], _WHY.get(row["kind"], why_items))
            for row in rows
        ]


_ALONG = "the file that makes the items says their statuses too"
_UNTOUCHED = "a file only makes items"
_SUBITEMS = "a file does not find a subitem it has made before"
_CHANGES = "a file would make a new item where the old has gone"
_WHY = {
    "create_group": _UNTOUCHED,
    "move_item": _UNTOUCHED,
    "archive_item": _UNTOUCHED,
    "archive_subitem": _UNTOUCHED,
    "create_subitem": _SUBITEMS,
    "change_subitem": _SUBITEMS,
    "change_item": _CHANGES,
    "set_links": _CHANGES,
    "set_status": _CHANGES,
}


def _told(found: _Sorted, title: str) -> Iterator[LaneChoice]:
    """Say which items of a group do not fit in a file."""
    common = found.reasons.most_common(_MOST_REASONS)
    for why, items in common:
        yield LaneChoice("mutations", "create_item", items, f"{why}; group {title!r}")
    if more := found.reasons.total() - sum(items for _, items in common):
        why = f"they do not fit in a file, for other reasons; group {title!r}"
        yield LaneChoice("mutations", "create_item", more, why)
