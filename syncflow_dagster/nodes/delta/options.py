"""How one build differs from the usual."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.delta.parts import Part

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from syncflow_dagster.core.leaving import Leave


@dataclass(frozen=True)
class DeltaOptions:
    """How one build differs from the usual.

    Attributes:
        full_resync: Write every known record again, as an UPDATE of all its fields.
        run_id: Dagster's run, kept with the batch.
        complete: Whether the rows are all of the source. With a limit or a filter they are not:
            then nothing counts as deleted.
        retry: Whether the rows are those of open rejections.
        part: Range of keys that is built; the others are left as they are.
        scheduled_for: The due time a source that asks for it is told; None: it does not ask.
        by_interval: Whether the source gives the rows of an interval that ends there.
        home: Folder in which the build keeps its own one, so that a later build can go on where
            it was killed. Without it, a killed build begins anew.
        threads: Chunks worked on at once.
        lock_wait_ms: How long to wait for another build of the node before `DeltaBusy`.
        leave: Asked before each chunk is read whether it must stop there. What was read stays in
            the folder, and the next build reads on behind it, if the source can do that; a source
            whose pieces have no `resume` is read again from its first row.
    """

    full_resync: bool = False
    run_id: str | None = None
    complete: bool = True
    retry: bool = False
    part: Part = field(default_factory=Part)
    scheduled_for: datetime | None = None
    by_interval: bool = False
    home: Path | None = None
    threads: int = 2
    lock_wait_ms: int = 2000
    leave: Leave | None = None
