"""How much of the source a build reads: all of it, or what changed since the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from syncflow_dagster.nodes.delta import marks
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.nodes.delta.workspace import Manifest
    from syncflow_dagster.nodes.rows import Interval, Mark
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: `hash` and `sweep` read everything, a sweep so that later builds may read `changes` only.
Strategy = Literal["hash", "sweep", "changes"]


@dataclass(frozen=True)
class Plan:
    """What is read.

    Attributes:
        strategy: See :data:`Strategy`.
        since: Only rows whose version is greater; None: all.
        highest: Highest version known so far.
        swept_at: When everything was read last; None: this time.
        interval: Only rows of that time; None: the source does not go by intervals.
    """

    strategy: Strategy
    since: Mark | None = None
    highest: Mark | None = None
    swept_at: datetime | None = None
    interval: Interval | None = None

    @property
    def complete(self) -> bool:
        """Whether a record that does not come is gone from the source."""
        return self.since is None and self.interval is None


def plan(
    conn: psycopg.Connection[DictRow],
    workflow: str,
    node: DeltaNode,
    part: Part,
    definition: str,
    now: datetime,
    *,
    everything: bool,
) -> Plan:
    """Decide what to read.

    Args:
        conn: A connection.
        workflow: The workflow's name.
        node: The node.
        part: Range of keys that is built.
        definition: Names what is read and how it is compared; a change of it asks for all rows.
        now: The moment of reading.
        everything: Whether all rows are wanted whatever is known.
    """
    detection = node.detection
    if detection.strategy == "hash":
        return Plan("hash")
    names = {"workflow": workflow, "node": node.name, "part": part.number, "parts": part.parts}
    row = conn.execute(load("delta")["read_cursor"], names).fetchone()
    if row is None or row["definition"] != definition or row["rowversion"] is None or everything:
        return Plan("sweep")
    due = row["swept_at"] + timedelta(hours=detection.sweep_every_h) <= now
    if detection.strategy == "auto" and due:
        return Plan("sweep")
    highest = marks.from_text(row["rowversion"])
    assert highest is not None
    since = _before(highest, detection.overlap)
    return Plan("changes", since, highest, row["swept_at"])


def keep(
    conn: psycopg.Connection[DictRow],
    workflow: str,
    node: DeltaNode,
    part: Part,
    definition: str,
    read: Plan,
    chunks: Sequence[Manifest],
    now: datetime,
) -> None:
    """Remember how far the build has read, in the transaction that writes what it found.

    Where a record has no row version, the next build reads everything again. Where the versions
    of a sweep end below the last one known, the sweep's are believed: the source was restored.
    Where the read was broken off, rows read before may have changed until it went on: what changed
    then is newer than what was read before, so only that counts.
    """
    if read.strategy == "hash":
        return
    first = [chunk for chunk in chunks if chunk.batch == chunks[0].batch]
    seen = [marks.from_text(chunk.version) for chunk in first if chunk.version is not None]
    if read.highest is not None:
        seen.append(read.highest)
    versionless = any(chunk.versionless for chunk in chunks)
    highest = None if versionless or not seen else max(seen)  # type: ignore[type-var]  # one type
    covered = [marks.from_text(chunk.covered) for chunk in chunks if chunk.covered is not None]
    if highest is not None and covered:
        # What is newer than that was read, but older rows may yet come to show.
        highest = min(highest, *covered)  # type: ignore[type-var]  # one type
    conn.execute(
        load("delta")["keep_cursor"],
        {
            "workflow": workflow,
            "node": node.name,
            "part": part.number,
            "parts": part.parts,
            "definition": definition,
            "rowversion": marks.to_text(highest),
            "swept_at": read.swept_at or now,
        },
    )


def _before(mark: Mark, overlap: int) -> Mark:
    match mark:
        case datetime():
            return mark - timedelta(seconds=overlap)
        case int():
            return mark - overlap
        case str() | date():
            return mark
