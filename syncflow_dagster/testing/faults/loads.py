"""Large and awkward loads, each brought to the board by runs of the example workflow.

Each run is a process of its own, whose memory is watched. The judge is the sandbox: its log, and
what its boards show in the end.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.demo.order_book import ORDER_LIST, load_order_book
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.bench.memory import peak_of
from syncflow_dagster.testing.faults.changes import BoardChange
from syncflow_dagster.testing.faults.load_books import board_shown, wanted_board, write
from syncflow_dagster.testing.faults.load_cases import Load, load_cases
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.faults.world import FaultWorld, fault_world
from syncflow_dagster.testing.judge import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncflow_dagster.testing.faults.load_books import Order, Shown

#: The board and the workflow of the example.
_BOARD, _WORKFLOW = "9000000001", "order_list"
#: Megabytes beyond those of a quarter of a load that are no growth: the allocator's own.
MAY_GROW_MB = 40
_RUN_WITHIN_S = 900


@dataclass(slots=True)
class Ran:
    """What a run did.

    Attributes:
        log: Its writes, as the sandbox logged them.
        requests: Its requests, refused ones too.
        throttled: Requests refused for a limit.
        seconds: How long it took.
        peak_mb: Most anonymous memory of its process.
        error: What it said, if it failed.
    """

    log: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    throttled: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    error: str | None = None


def loads(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Bring loads to the board and judge them; a load's quarter comes before it.

    Args:
        wanted: Tells by its name whether a load is to run.
    """
    every = load_cases()
    quarters = {load.quarter for load in every if wanted(load.name)}
    chosen = [load for load in every if wanted(load.name) or load.name in quarters]
    if not chosen:
        return
    peaks: dict[str, int] = {}
    with fault_world() as world:
        for load in chosen:
            result, peaks[load.name] = _run(world, load)
            if load.quarter is not None:
                judge_memory(result, peaks[load.quarter], peaks[load.name])
            yield result


def _run(world: FaultWorld, load: Load) -> tuple[FaultResult, int]:
    """Bring one load to an empty board; return what came of it, and the run's peak memory."""
    result = FaultResult(load.name, "F29")
    world.begin(whole_book=False)
    world.tell_limits_exactly()
    *before, book = load.books()
    for one in before:
        result.error = result.error or run(world, one).error
    _make_groups(world, load.by_hand)
    there = board_shown(world.control.state()).groups
    ran = run(world, book)
    result.error = result.error or ran.error
    judge_board(result, wanted_board(book, there), board_shown(world.control.state()))
    judge_log(result, load, world.control.log(), ran)
    again = run(world, book)
    result.error = result.error or again.error
    result.second_run_writes = len(again.log)
    result.unknown = _unknown(world)
    result.figures = {
        "seconds": round(ran.seconds, 1),
        "requests_per_1000": round(1_000 * ran.requests / max(1, len(ran.log)), 1),
        "peak_mb": ran.peak_mb,
    }
    return result, ran.peak_mb


def run(world: FaultWorld, book: Sequence[Order]) -> Ran:
    """Let the source hold a book, and run the workflow in a process of its own."""
    shutil.copy(ORDER_LIST / "source.sql", world.home)
    write(world.home / "data", book)
    load_order_book(world.variables["ORDERS_DATABASE_URL"], reset=True, folder=world.home)
    written, counts = len(world.control.log()), _counts(world)
    started = time.monotonic()
    process = world.start()
    try:
        with peak_of([process.pid]) as peak:
            said = process.communicate(timeout=_RUN_WITHIN_S)
    finally:
        process.kill()
    ran = Ran(world.control.log(after=written), seconds=time.monotonic() - started)
    ran.requests, ran.throttled = (a - b for a, b in zip(_counts(world), counts, strict=True))
    ran.peak_mb = round(peak[0] / 2**20)
    if process.returncode:
        ran.error = f"a run failed: {' '.join(said)[-600:]}"
    return ran


def judge_memory(result: FaultResult, quarter_mb: int, whole_mb: int) -> None:
    """Say so if a load needs more memory than a quarter of it."""
    if whole_mb > quarter_mb + MAY_GROW_MB:
        grown = f"its run takes {whole_mb} MB of memory, that of a quarter of it {quarter_mb} MB"
        result.broken.append(grown)


def judge_board(result: FaultResult, wanted: Shown, found: Shown) -> None:
    """Hold what the board shows against what is right.

    Duplicates are groups, items and lines beyond those that are right, lost are those that are
    not there; what is there otherwise than is right is told in words.
    """
    right, there = _objects(wanted), _objects(found)
    result.duplicates, result.lost = (there - right).total(), (right - there).total()
    elsewhere = sum(bool({*found.items.get(key, ())} - {*ok}) for key, ok in wanted.items.items())
    if elsewhere:
        result.broken.append(f"{elsewhere} items stand in another group or show another price")
    mixed = [key for key, one in wanted.lines.items() if found.lines.get(key, one) != one]
    if mixed:
        result.broken.append(f"the lines of {len(mixed)} orders are not as in the source")


def judge_log(result: FaultResult, load: Load, log: Sequence[Mapping[str, Any]], ran: Ran) -> None:
    """Hold what was written against what is right.

    Args:
        result: Where it is told.
        load: The load.
        log: All writes, also those before the measured run.
        ran: The measured run.
    """
    judged = judge(log, {})
    result.duplicates = max(result.duplicates, judged.duplicates)
    if judged.orphans:
        result.broken.append(f"I3: {judged.orphans} subitems were sent before their item was there")
    if len(ran.log) != load.writes:
        result.broken.append(f"{len(ran.log):,} writes instead of {load.writes:,}")
    others = [one for one in ran.log if load.only and _columns(one) != {load.only}]
    if others:
        result.broken.append(f"{len(others)} writes are not of column {load.only!r} alone")
    if ran.throttled:
        result.broken.append(f"I5: {ran.throttled} requests were refused for a limit")


def _objects(shown: Shown) -> Counter[tuple[object, ...]]:
    """Return how often each group, item and line is there."""
    found: Counter[tuple[object, ...]] = Counter()
    found.update({("group", title): number for title, number in shown.groups.items()})
    found.update({("item", key): len(those) for key, those in shown.items.items()})
    found.update(("line", key, line) for key, those in shown.lines.items() for line in those)
    return found


def _columns(written: Mapping[str, Any]) -> set[str]:
    if written["op"] != "change_multiple_column_values":
        return {f"({written['op']})"}
    return set(written["payload"]["column_values"])


def _counts(world: FaultWorld) -> tuple[int, int]:
    stats = world.control.stats()["monday"]
    return stats["requests"], stats["throttled"]


def _make_groups(world: FaultWorld, titles: Sequence[str]) -> None:
    made = (f"group_name: {json.dumps(title)}" for title in titles)
    change = BoardChange(
        mutations=tuple(f"create_group(board_id: {_BOARD}, {one})" for one in made)
    )
    change.make(world)


def _unknown(world: FaultWorld) -> int:
    with Database(world.variables["SYNCFLOW_DATABASE_URL"]) as database:
        place = {"workflow": _WORKFLOW}
        return len(database.fetch_all(sql.load("summary")["unknown_effects"], place))
