"""What a run's push came to, by customer: kept in the database, and as files."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose
from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.budget import Budget
    from syncflow_dagster.ledger.delivery_report import DeliveryReport
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import MondayPushNode, Workflow

    Connection = psycopg.Connection[DictRow]

#: Columns of a summary. Records of this run: made, changed, archived, with nothing to write,
#: refused. Records as they stand: waiting for another, in question, still to go; and rows of the
#: source that could not become records.
COUNTS = (
    "created",
    "updated",
    "archived",
    "skipped",
    "failed",
    "waiting",
    "unknown",
    "rejected",
    "left",
)
#: Counts that ask for somebody's attention; their customers come first.
_TROUBLE = ("failed", "unknown", "rejected")
#: Stands for no customer, in the queries too.
_SHARED = "(shared)"
#: Reasons kept of one customer, the most frequent first.
_REASONS = 10


@dataclass(slots=True)
class CustomerSummary:
    """What became of one customer's records.

    Attributes:
        customer: Its name; `(shared)` for records without one, and for groups.
        counts: Records by :data:`COUNTS`.
        reasons: Why records failed in this run, need a person or are rejected, with how many.
    """

    customer: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    reasons: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class RunSummary:
    """What a push node did in one run.

    Attributes:
        workflow: The workflow's name.
        node: The push node's name.
        run_id: Dagster's run.
        began_at: When its first pass began.
        ended_at: When its last pass so far ended.
        read: Rows that this run read from the sources of the node's records.
        unchanged: Those that were as known.
        customers: Those with trouble first, then by how much was done.
        passes: What each pass cost: requests, look-ups, seconds of waiting, outcomes; and, by
            customer, the rows of which nothing had to be written.
        budgets: The account's budgets as the service last told them.
    """

    workflow: str
    node: str
    run_id: str
    began_at: str
    ended_at: str
    read: int = 0
    unchanged: int = 0
    customers: list[CustomerSummary] = field(default_factory=list)
    passes: dict[str, dict[str, Any]] = field(default_factory=dict)
    budgets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """The counts of all customers together."""
        return {name: sum(one.counts[name] for one in self.customers) for name in COUNTS}

    def as_json(self) -> dict[str, Any]:
        """Return the summary as one object."""
        return {**asdict(self), "totals": self.totals}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> RunSummary:
        """Return the summary that :meth:`as_json` gave."""
        customers = [
            CustomerSummary(
                one["customer"],
                {name: one["counts"].get(name, 0) for name in COUNTS},
                [(reason, number) for reason, number in one["reasons"]],
            )
            for one in told["customers"]
        ]
        rest = {name: told[name] for name in told if name not in {"customers", "totals", "passes"}}
        return cls(**rest, customers=customers, passes=_in_order(told["passes"]))


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Whose summary it is.

    Attributes:
        workflow: The workflow.
        node: Its push node.
        run_id: Dagster's run.
    """

    workflow: Workflow
    node: MondayPushNode
    run_id: str

    @property
    def key(self) -> dict[str, str]:
        """Its place in the table."""
        return {
            "workflow": self.workflow.workflow,
            "node": self.node.name,
            "run_id": self.run_id,
        }

    @property
    def sources(self) -> list[DeltaNode]:
        """The delta nodes whose records are pushed."""
        mappings = (self.node.items, self.node.subitems)
        wanted = dict.fromkeys(one.source for one in mappings if one is not None)
        nodes = (self.workflow.node(name) for name in wanted)
        return [node for node in nodes if isinstance(node, DeltaNode)]


def summarise_pass(
    database: Database,
    place: RunPlace,
    delivered: tuple[int, str],
    report: DeliveryReport,
    *,
    budgets: Sequence[Budget],
    began_at: datetime,
    now: datetime,
    skipped: Mapping[str, int] | None = None,
) -> RunSummary:
    """Add a pass to its run's summary, and keep it.

    Args:
        database: Delta tables and ledger.
        place: Whose summary it is.
        delivered: The pass, by number and name.
        report: What it delivered.
        budgets: The account's budgets.
        began_at: When the pass began; the summary counts from the begin of the run's first.
        now: Database time.
        skipped: Rows of which the pass found, while planning, that nothing has to be written, by
            customer.

    Returns:
        The summary of all passes so far.
    """
    queries = sql.load("run_summary")
    cost = {"number": delivered[0], **_cost(report)}
    noted = {
        **place.key,
        "began_at": began_at,
        "ended_at": now,
        "passes": Jsonb({delivered[1]: {**cost, "skipped": dict(skipped or {})}}),
    }
    with database.transaction() as conn:
        row = conn.execute(queries["note_pass"], noted).fetchone()
        assert row is not None
        summary = _summary(conn, place, row, now)
        summary.budgets = [_budget(one) for one in budgets]
        conn.execute(queries["keep"], {**place.key, "summary": Jsonb(summary.as_json())})
    return summary


def _summary(conn: Connection, place: RunPlace, noted: DictRow, now: datetime) -> RunSummary:
    """Return what the passes that are noted of a run come to, budgets left out."""
    summary = RunSummary(
        place.workflow.workflow,
        place.node.name,
        place.run_id,
        began_at=noted["began_at"].isoformat(),
        ended_at=now.isoformat(),
        passes=_in_order(noted["passes"]),
        customers=_customers(conn, place, noted["began_at"], noted["passes"]),
    )
    for counts in _read(conn, place):
        summary.read += counts.get("read", 0)
        summary.unchanged += counts.get("same", 0)
    return summary


def read_summaries(
    database: Database, workflow: str, run: str = ""
) -> tuple[list[str], list[RunSummary]]:
    """Return the summaries of a run.

    Args:
        database: Where they are kept.
        workflow: The workflow's name.
        run: How the run's id begins; empty: the newest run that pushed anything.

    Returns:
        Ids of the runs that could be meant, newest first, two at most where one is named; and the
        summaries of the push nodes of the first.
    """
    queries = sql.load("run_summary")
    given = {"workflow": workflow, "run": run, "limit": 2 if run else 1}
    runs = [row["run_id"] for row in database.fetch_all(queries["find_runs"], given)]
    if not runs:
        return [], []
    rows = database.fetch_all(queries["of_run"], {"workflow": workflow, "run_id": runs[0]})
    return runs, [RunSummary.from_json(row["summary"]) for row in rows]


def _customers(
    conn: Connection, place: RunPlace, since: datetime, passes: Mapping[str, Mapping[str, Any]]
) -> list[CustomerSummary]:
    found: dict[str, CustomerSummary] = {}
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(rows: Iterable[DictRow], column: str = "") -> None:
        for row in rows:
            name = row["customer"]
            one = found.setdefault(name, CustomerSummary(name))
            for count in COUNTS:
                one.counts[count] += row.get(count, 0)
            if column:
                one.counts[column] += row["number"]
            if "number" in row:
                reasons[name][row["reason"]] += row["number"]

    queries = sql.load("run_summary")
    given = {**place.key, "since": since, "pass": None}
    add(conn.execute(sql.load("observe")["by_customer"], given).fetchall())
    add(conn.execute(queries["reasons"], given).fetchall())
    for node in place.sources:
        names = {"table": delta_id(node), "name": compose.Literal(node.table)}
        add(conn.execute(compose.SQL(queries["unplanned"]).format(**names), given).fetchall())
    # Counted while planning: to find these rows again, a delta table would be read from end to end.
    for cost in passes.values():
        counted = cost.get("skipped", {}).items()
        add({"customer": name or _SHARED, "skipped": number} for name, number in counted)
    nodes = {"nodes": [node.name for node in place.sources]}
    add(conn.execute(queries["rejected"], {**given, **nodes}).fetchall(), "rejected")
    for name, one in found.items():
        one.reasons = reasons[name].most_common(_REASONS)
    return sorted(found.values(), key=_order)


def _order(one: CustomerSummary) -> tuple[int, int, str]:
    trouble = sum(one.counts[name] for name in _TROUBLE)
    return -trouble, -sum(one.counts.values()), one.customer


def _read(conn: Connection, place: RunPlace) -> Iterator[dict[str, int]]:
    for node in place.sources:
        given = {**place.key, "node": node.name}
        for row in conn.execute(sql.load("run_summary")["read_counts"], given).fetchall():
            yield row["counts"]


def _in_order(passes: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the passes in the order they are made; the database keeps no order of names."""
    return dict(sorted(passes.items(), key=lambda one: one[1]["number"]))


def _cost(report: DeliveryReport) -> dict[str, Any]:
    stopped = report.stopped or (report.paused.in_words() if report.paused else None)
    return {
        "requests": report.requests,
        "lookups": report.lookups,
        "waited_s": round(report.waited_s, 1),
        "remaining": report.remaining,
        "stopped": stopped,
        "outcomes": dict(report.outcomes),
    }


def _budget(one: Budget) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("name", "spent", "allowed", "window_s")}
    return {**told, "window_ends_at": one.window_ends_at.isoformat()}
