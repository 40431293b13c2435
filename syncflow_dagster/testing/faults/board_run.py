"""Running the faults of the small world."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from syncflow_dagster.testing.faults.board_cases import BoardCase, board_cases
from syncflow_dagster.testing.faults.board_world import BoardWorld, Desk, board_world
from syncflow_dagster.testing.faults.invariants import Calm, Scene, dead, hold
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.judge import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from syncflow_dagster.store.embedded import EmbeddedPostgres
    from syncflow_dagster.testing.faults.board_book import Book


def board_faults(
    wanted: Callable[[str], bool], *, server: EmbeddedPostgres | None = None
) -> Iterator[FaultResult]:
    """Break what a push of a small book meets, one fault at a time.

    Args:
        wanted: Tells by its name whether a case is to run.
        server: The PostgreSQL server to use; None: one of its own, removed afterwards.
    """
    chosen = [case for case in board_cases() if wanted(case.name)]
    if not chosen:
        return
    with board_world(server) as world:
        calm: dict[Hashable, Calm] = {}
        for case in chosen:
            kind = (case.books, case.batch_size)
            if kind not in calm:
                calm[kind] = _undisturbed(world, case)
            yield _run(world, case, calm[kind])


def _undisturbed(world: BoardWorld, case: BoardCase) -> Calm:
    with world.desk({}, batch_size=case.batch_size) as desk:
        last = _to_the_last_day(desk, case)
        started = time.monotonic()
        desk.build(last)
        told = desk.settle()
        if told is not None or desk.told:
            msg = f"the undisturbed run of {case.name!r} failed: {told or desk.told}"
            raise RuntimeError(msg)
        seconds = time.monotonic() - started
        return Calm(picture(desk.control.state()), desk.stats(), seconds)


def _run(world: BoardWorld, case: BoardCase, calm: Calm) -> FaultResult:
    result = FaultResult(case.name, case.number)
    settings = {"timeout_s": 5, **case.settings}
    with world.desk(
        settings,
        sandbox=case.sandbox,
        real_time=case.real_time,
        batch_size=case.batch_size,
    ) as desk:
        last = _to_the_last_day(desk, case)
        for fault in case.faults:
            desk.control.faults(fault)
        started = time.monotonic()
        result.error = case.act(desk, last) or _missed(desk)
        result.recovery_s = round(max(0.0, time.monotonic() - started - calm.seconds), 1)
        result.extra_calls = max(0, desk.requests() - calm.requests)
        desk.control.clear_faults()
        _judge(desk, case, calm, result)
    return result


def _to_the_last_day(desk: Desk, case: BoardCase) -> Book:
    *days, last = case.books
    for day in days:
        desk.build(day())
        told = desk.settle()
        if told is not None:
            msg = f"the day before {case.name!r} failed: {told}"
            raise RuntimeError(msg)
    return last()


def _missed(desk: Desk) -> str | None:
    idle = [fault["kind"] for fault in desk.control.list_faults() if not fault["hits"]]
    return f"this never happened: {', '.join(idle)}" if idle else None


def _judge(desk: Desk, case: BoardCase, calm: Calm, result: FaultResult) -> None:
    scene = Scene(desk.control, desk.database, desk.workflow)
    hold(result, scene, calm)
    refused = dead(scene)
    if refused != case.dead:
        result.broken.append(f"I2: {refused} records are refused, not {case.dead}")
    if case.most_extra is not None and result.extra_calls > case.most_extra:
        result.broken.append(f"{result.extra_calls} extra requests, not {case.most_extra}")
    writes = len(desk.control.log())
    told = desk.push()
    result.second_run_writes = len(desk.control.log()) - writes
    if told is not None:
        result.error = result.error or f"the run after it failed: {told}"
