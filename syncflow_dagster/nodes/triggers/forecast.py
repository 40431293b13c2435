"""Whether what waits will be done in the present window, by measured rates, limits and windows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from psycopg import sql as compose

from syncflow_dagster.core import budget as rules
from syncflow_dagster.core.timing.forecast import HORIZON, DayLimit, Fit, Part, Ran, fit, rate_of
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.nodes.monday import costs as monday
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.plan import ITEMS, SUBITEMS
from syncflow_dagster.nodes.salesforce.quota import DAILY
from syncflow_dagster.nodes.tag import costs as org
from syncflow_dagster.nodes.tag.destination import account as org_account
from syncflow_dagster.nodes.tag.lines import PASSES
from syncflow_dagster.nodes.triggers.windows import standing
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import (
    DeltaNode,
    MondayConnection,
    MondayPushNode,
    SalesforceConnection,
    TagNode,
)
from syncflow_dagster.workflows.timing import windows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.core.budget import Budget
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.timing.windows import Stretch
    from syncflow_dagster.ledger.delivery_report import DeliveryReport
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

#: Deliveries of each pass that are kept and reckoned from.
_MOST = 20


def note_work(
    database: Database,
    place: tuple[str, str, int],
    began_at: datetime,
    ended_at: datetime,
    report: DeliveryReport,
    run_id: str | None = None,
) -> None:
    """Write down what a delivery got done in its time; of one that did nothing, nothing.

    Args:
        database: SyncFlow's own.
        place: Workflow, node and pass.
        began_at: When the delivery began, in database time.
        ended_at: When it ended.
        report: What it did.
        run_id: Its run.
    """
    effects = report.outcomes["done"] + report.outcomes["found"]
    if not effects:
        return
    given = {
        "began_at": began_at,
        "ended_at": max(began_at, ended_at),
        "waited_s": report.waited_s,
        "effects": effects,
        "run_id": run_id,
        "most": _MOST - 1,
    }
    names = dict(zip(("workflow", "node", "pass"), place, strict=True))
    database.execute(sql.load("forecast")["note"], {**names, **given})


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a node's waiting changes will be written.

    Attributes:
        node: The node.
        changes: How many wait; a row that is not planned yet counts as one, and for as many of
            later passes as there were for each in the last deliveries.
        per_s: Changes of a second at work, over all passes; None: none measured yet.
        fit: When they are done; None: no rate has been measured.
        zone: IANA name of the time zone times are shown in.
    """

    node: str
    changes: int
    per_s: float | None
    fit: Fit | None
    zone: str

    def in_words(self) -> str:
        """Return it as a sentence."""
        if not self.changes:
            return "nothing waits"
        if self.fit is None or self.per_s is None:
            return f"{self.changes:,} changes wait; no rate measured yet, so nobody knows how long"
        return f"{self._expected(self.fit, self.per_s)} ({self.zone})"

    def _expected(self, fit: Fit, per_s: float) -> str:
        done = "not done within a year"
        if fit.ends_at is not None:
            several = f", in {fit.windows:,} windows" if fit.windows > 1 else ""
            done = f"done {self._shown(fit.ends_at)}{several}"
        rate = f"{per_s:,.0f}" if per_s >= 10 else f"{per_s:.2g}"
        speed = f"{self.changes:,} changes wait, {rate}/s"
        if fit.closes_at is None:
            return f"{speed}: {done}"
        closes = self._shown(fit.closes_at)
        if fit.fits:
            return f"{speed}: fits, {done}, window's end {closes}"
        left = f"{fit.left:,} of {self.changes:,} will be left at {closes}"
        return f"{speed}: does not fit: {left}; {done}"

    def as_json(self) -> dict[str, Any]:
        """Return it as one object."""
        fit = self.fit
        return {
            "node": self.node,
            "changes": self.changes,
            "per_s": self.per_s,
            "ends_at": fit.ends_at if fit else None,
            "windows": fit.windows if fit else None,
            "window_closes_at": fit.closes_at if fit else None,
            "left_then": fit.left if fit else None,
            "fits": fit.fits if fit else None,
            "in_words": self.in_words(),
        }

    def _shown(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.zone)):%a %Y-%m-%d %H:%M}"


def forecasts(database: Database, clock: Clock, workflow: Workflow) -> list[Forecast]:
    """Return when the waiting changes of each node that writes to a service will be done."""
    nodes: list[MondayPushNode | TagNode] = [*workflow.pushes, *workflow.tags]
    return [forecast(database, clock, workflow, node) for node in nodes]


def forecast(
    database: Database, clock: Clock, workflow: Workflow, node: MondayPushNode | TagNode
) -> Forecast:
    """Return when the waiting changes of a node will be done, if nothing else is.

    The rate is that of the last deliveries while they were at work, the newest counting most; of a
    pass that has not been measured, that of the node's others. What the account's budgets let
    through of a minute and of a day goes on top. Other workflows on the account are not reckoned
    with.
    """
    now = clock.now()
    ran = _ran(database, workflow, node)
    left, rows = _todo(database, workflow, node)
    todo = Counter(left) + Counter(rows) + _later(sum(rows.values()), workflow, node, ran)
    rates = {number: rate_of(of_pass) for number, of_pass in ran.items()}
    account, costs = _account(workflow, node)
    budgets = [one for one in Budgets(database, clock, account, {}).read() if one.name in costs]
    most = _most_per_s(budgets, costs)
    parts = [
        Part(effects, min(rate, most))
        for number, effects in sorted(todo.items())
        if (rate := rates.get(number) or rates.get(None))
    ]
    windows = windows_of(workflow)
    zone = "UTC" if windows is None else windows.zone
    changes = sum(todo.values())
    if len(parts) < len(todo):
        return Forecast(node.name, changes, None, None, zone)
    found = fit(now, parts, _stretches(database, workflow, now), _day_limit(budgets, costs, now))
    seconds = sum(one.effects / one.per_s for one in parts)
    return Forecast(node.name, changes, changes / seconds if seconds else None, found, zone)


def _todo(
    database: Database, workflow: Workflow, node: MondayPushNode | TagNode
) -> tuple[dict[int, int], dict[int, int]]:
    """Return what is left of each pass: changes, and rows that are not planned."""
    queries = sql.load("forecast")
    place = {"workflow": workflow.workflow, "node": node.name}
    left = {row["pass"]: row["effects"] for row in database.fetch_all(queries["left"], place)}
    sources = dict(_sources(workflow, node))
    rows: dict[int, int] = {}
    known = sql.load("observe")["known_tables"]
    for one in database.fetch_all(known, {"tables": list(sources)}):
        table = one["table_name"]
        query = compose.SQL(queries["rows"]).format(table=compose.Identifier(table))
        with database.transaction() as conn:
            found = conn.execute(query).fetchone()
        rows[sources[table]] = rows.get(sources[table], 0) + (found["rows"] if found else 0)
    return left, rows


def _later(
    rows: int,
    workflow: Workflow,
    node: MondayPushNode | TagNode,
    ran: Mapping[int | None, Sequence[Ran]],
) -> Counter[int]:
    """Return the changes of later passes that rows will have, such as statuses, as others had."""
    first = {number for _, number in _sources(workflow, node)}
    done = {number: sum(one.effects for one in ran[number]) for number in ran if number is not None}
    planned = sum(effects for number, effects in done.items() if number in first)
    if not planned:
        return Counter()
    return Counter(
        {
            number: math.ceil(rows * effects / planned)
            for number, effects in done.items()
            if number not in first
        }
    )


def _sources(workflow: Workflow, node: MondayPushNode | TagNode) -> Iterator[tuple[str, int]]:
    """Yield the delta tables a node plans from, and the pass their rows go in."""
    if isinstance(node, TagNode):
        taken = [(node.source, min(PASSES.values()))]
    else:
        subitems = [(node.subitems.source, SUBITEMS)] if node.subitems else []
        taken = [(node.items.source, ITEMS), *subitems]
    for name, number in taken:
        source = workflow.node(name)
        if isinstance(source, DeltaNode):
            yield source.table, number


def _ran(
    database: Database, workflow: Workflow, node: MondayPushNode | TagNode
) -> dict[int | None, list[Ran]]:
    """Return the last deliveries of each pass, and all of them together under None."""
    given = {"workflow": workflow.workflow, "node": node.name, "most": _MOST}
    ran: dict[int | None, list[Ran]] = {}
    for row in database.fetch_all(sql.load("forecast")["ran"], given):
        one = Ran(row["effects"], max(0.0, row["seconds"]))
        ran.setdefault(row["pass"], []).append(one)
        ran.setdefault(None, []).append(one)
    return ran


def _account(workflow: Workflow, node: MondayPushNode | TagNode) -> tuple[str, Mapping[str, float]]:
    """Return the account in the ledger, and the units of its budgets that a change takes."""
    connection = workflow.connections[node.connection]
    if isinstance(node, TagNode):
        assert isinstance(connection, SalesforceConnection)
        each = 1 / node.batch_size + org.GATE / org.BATCH
        return org_account(connection.account), {DAILY: each}
    assert isinstance(connection, MondayConnection)
    calls = 1 / node.batch_size
    points = float(max(monday.WEIGHTS.values()))
    return MondayDestination(connection, node.batch_size).account, {
        monday.COMPLEXITY_BUDGET: points,
        monday.REQUEST_BUDGET: calls,
        monday.DAILY_BUDGET: calls,
    }


def _most_per_s(budgets: Sequence[Budget], costs: Mapping[str, float]) -> float:
    windows = [one for one in budgets if one.kind == "window"]
    most = (one.allowed / one.window_s / costs[one.name] for one in windows if one.allowed)
    return min(most, default=math.inf)


def _day_limit(
    budgets: Sequence[Budget], costs: Mapping[str, float], now: datetime
) -> DayLimit | None:
    for one in budgets:
        if one.kind == "day":
            cost = costs[one.name]
            return DayLimit(rules.room(one, now) / cost, one.allowed / cost)
    return None


def _stretches(database: Database, workflow: Workflow, now: datetime) -> Iterator[Stretch] | None:
    """Return the open time from now on, with what a person has opened; None: it is always open."""
    windows, stands = windows_of(workflow), standing(database, workflow, now)
    if windows is None or stands is None:
        return None

    def open_time() -> Iterator[Stretch]:
        after = now
        if stands.open:
            after = stands.until or now + HORIZON
            yield now, after
        yield from windows.stretches(after)

    return open_time()
