"""The faults of the small world, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.faults import board_acts as acts
from syncflow_dagster.testing.faults import board_outages as outages
from syncflow_dagster.testing.faults.board_book import Book, many, number, today, yesterday

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.testing.faults.board_world import Desk
    from syncflow_dagster.testing.faults.wire import Trouble

Fault = dict[str, Any]
#: The kinds of mutation that a push sends.
MUTATIONS = (
    "create_group",
    "create_item",
    "create_subitem",
    "change_multiple_column_values",
    "move_item_to_group",
    "archive_item",
)
_SERVER_ERRORS = (500, 502, 504)
#: Where time passes by itself.
_REAL: Mapping[str, Any] = {"settle_s": 0.5, "timeout_s": 2}
_NO_WAIT: Mapping[str, Any] = {"settle_s": 1}


@dataclass(frozen=True, slots=True)
class BoardCase:
    """One fault of the small world.

    Attributes:
        number: Its kind.
        name: As the table shows it.
        faults: What the sandbox does wrong.
        settings: Further settings of the connection.
        sandbox: Settings of the sandbox.
        books: What the source holds, one day after the other; the fault is on the last day.
        act: What happens on that day: it finds what is new and pushes it.
        real_time: Whether time passes by itself.
        batch_size: Mutations in a request.
        dead: Records that are right to be refused for good.
        most_extra: Requests beyond the undisturbed run that it may take at most.
    """

    number: str
    name: str
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    books: tuple[Callable[[], Book], ...] = (yesterday, today)
    act: Callable[[Desk, Book], str | None] = acts.push
    real_time: bool = False
    batch_size: int = 5
    dead: int = 0
    most_extra: int | None = None


def board_cases() -> list[BoardCase]:
    """Return the faults of the small world."""
    return [
        *_answers(),
        *_late(),
        *_limits(),
        *_refused(),
        *_store(),
        *_together(),
        *_records(),
        *_wire(),
    ]


def _answers() -> list[BoardCase]:
    lost = [
        BoardCase("F3", f"reply lost after {op}", (_fault("lost_reply", op=op, nth=2, times=2),))
        for op in MUTATIONS
    ]
    after = [
        BoardCase("F4", f"{status} after apply", (_some("error_after", 0.3, status=status),))
        for status in _SERVER_ERRORS
    ]
    before = [
        BoardCase("F5", f"{status} before apply", (_some("error_before", 0.3, status=status),))
        for status in _SERVER_ERRORS
    ]
    return [*lost, *after, *before]


def _late() -> list[BoardCase]:
    late = [
        BoardCase(
            "F6",
            f"applied {after_s} s after {what}",
            (_some("late_apply", 0.3, after_s=float(after_s), reply=reply),),
        )
        for after_s in (5, 60)
        for reply, what in (("cut", "the cut"), ("timeout", "a 503"))
    ]
    early = BoardCase(
        "F6",
        "applied 60 s after the cut, looked up after 1 s",
        (_fault("late_apply", op="mutation", nth=4, times=3, after_s=60.0),),
        settings=_NO_WAIT,
    )
    lags = [
        BoardCase("F7", f"reads lag writes by {lag_s} s, replies lost", _lagging(lag_s))
        for lag_s in (0, 1, 10)
    ]
    return [*late, early, *lags]


def _lagging(lag_s: int) -> tuple[Fault, ...]:
    lost = _some("lost_reply", 0.3)
    return (lost, _fault("stale_reads", lag_s=float(lag_s))) if lag_s else (lost,)


def _limits() -> list[BoardCase]:
    told = [
        BoardCase("F8", f"429 of {limit}", (_some("throttle", 0.3, limit=limit),))
        for limit in ("complexity", "minute", "concurrency", "ip", "subgraph")
    ]
    untold = [
        BoardCase(
            "F8",
            f"429 of {limit} without Retry-After",
            (_some("throttle", 0.3, limit=limit, retry_after=False),),
        )
        for limit in ("minute", "concurrency")
    ]
    return [
        *told,
        *untold,
        BoardCase(
            "F8",
            "complexity exception in HTTP 200",
            (_some("throttle", 0.3),),
            settings={"api_version": "2024-10"},
            sandbox={"reroute_deprecated": False},
        ),
        BoardCase("F8", "429 for a minute, no hot loop", act=acts.throttled_for_a_minute),
    ]


def _refused() -> list[BoardCase]:
    def poison(n: int) -> Fault:
        return _fault("error_before", op="create_item", text=number(n), status=400)

    def five_hundred() -> Book:
        return many(500)

    def one() -> Book:
        return many(1)

    every = _fault("error_before", op="create_item", status=400)
    hundred = 100
    return [
        BoardCase("F14", "poison record, 1 of 1", (poison(0),), books=(one,), dead=1, most_extra=0),
        BoardCase(
            "F14",
            "poison record, 1 of 500",
            (poison(250),),
            books=(five_hundred,),
            batch_size=100,
            dead=1,
            most_extra=17,
        ),
        BoardCase(
            "F14",
            "poison records, 100 of 100",
            (every,),
            books=(lambda: many(hundred),),
            batch_size=20,
            dead=hundred,
        ),
        BoardCase(
            "F15",
            "three of 500 refuse their batch, no index told",
            tuple(poison(n) for n in (7, 210, 211)),
            books=(five_hundred,),
            batch_size=100,
            dead=3,
        ),
        BoardCase(
            "F9",
            "one mutation of every request fails",
            (_fault("partial", op="mutation", times=20),),
        ),
    ]


def _store() -> list[BoardCase]:
    during: Mapping[str, Callable[[Desk], None]] = {
        "PostgreSQL restarted (fast)": lambda desk: outages.restart_fast(desk.server),
        "sessions ended in the middle of transactions": outages.end_transactions,
        "PostgreSQL read-only for 2 s": lambda desk: outages.read_only(desk.database.url),
        "disk full for 2 s": outages.disk_full,
    }
    return [
        BoardCase("F16", name, act=outages.act_during(what), settings=_REAL, real_time=True)
        for name, what in during.items()
    ]


def _together() -> list[BoardCase]:
    acts_of = {
        "two pushes at once, transactions serializable": ("F16", outages.two_serializable),
        "two pushes at once": ("F19", outages.two_at_once),
        "two pushes at once, one an hour ahead": ("F20", outages.ahead),
        "the machine's clock jumps, two pushes at once": ("F20", outages.machine_clock_jumps),
    }
    slow = _fault("slow", op="mutation", delay_s=0.03)
    return [
        BoardCase(kind, name, (slow,), act=act, settings=_REAL, real_time=True)
        for name, (kind, act) in acts_of.items()
    ]


def _records() -> list[BoardCase]:
    poison = _fault("error_before", op="create_item", text=number(45), status=400)
    return [
        BoardCase("F23", "token revoked, then valid again", act=acts.token_revoked),
        BoardCase(
            "F25",
            "joiners, directions, emoji, NFD, NUL, 64 KiB, =cmd",
            books=(acts.texts,),
            act=acts.push_texts,
        ),
        BoardCase("F27", "lines a day before their orders", act=acts.late_parents),
        BoardCase("F27", "an order is refused, its lines wait", (poison,), dead=1),
    ]


def _wire() -> list[BoardCase]:
    troubles: Mapping[Trouble, str] = {
        "drip": "answers of one byte a second",
        "reset_before": "connection reset before apply",
        "reset_after": "connection reset after apply",
    }
    torn = [
        BoardCase("F31", name, act=acts.over_wire(one), settings=_REAL, real_time=True)
        for one, name in troubles.items()
    ]
    wrong = {
        "the service's name is not known": "http://monday.invalid:{port}/v2",
        "no TLS where it is expected": "https://127.0.0.1:{port}/v2",
        "connection refused": "http://127.0.0.1:1/v2",
    }
    unreachable = [
        BoardCase("F31", name, act=acts.unreachable_by(url)) for name, url in wrong.items()
    ]
    return [*torn, *unreachable]


def _fault(kind: str, **settings: Any) -> Fault:
    return {"service": "monday", "kind": kind, **settings}


def _some(kind: str, rate: float, **settings: Any) -> Fault:
    return _fault(kind, op="mutation", rate=rate, seed=11, **settings)
