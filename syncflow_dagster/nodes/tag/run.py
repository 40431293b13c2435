"""The run of one tag node: check the org, plan, deliver; free of Dagster."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.core.soql.date_literals import Calendar
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions, DeliveryReport, Teller
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.nodes.compliance.salesforce_gate import salesforce_gate
from syncflow_dagster.nodes.delta.tables import snapshot_id
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.nodes.tag import costs
from syncflow_dagster.nodes.tag.approval import plan_store
from syncflow_dagster.nodes.tag.bulk import BulkLane, line_key
from syncflow_dagster.nodes.tag.compute import Computer
from syncflow_dagster.nodes.tag.conditions import matchers
from syncflow_dagster.nodes.tag.destination import TagDestination, account
from syncflow_dagster.nodes.tag.keeping import Keeper, PlanOptions
from syncflow_dagster.nodes.tag.lines import PASSES, Records
from syncflow_dagster.nodes.tag.mapping import Ways, ways_back
from syncflow_dagster.nodes.tag.planning import Planning
from syncflow_dagster.nodes.tag.policy import PlanPolicy, policy_of
from syncflow_dagster.nodes.tag.preflight import TagUnfit, check_tag
from syncflow_dagster.nodes.tag.screening import Screen, rows_of
from syncflow_dagster.nodes.tag.showing import Looker
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.workflows.models import DeltaNode, SalesforceConnection
from syncflow_dagster.workflows.models.tag import JunctionTag, TopicTag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.soql.tree import Mistake
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.compliance.ports import GatePort
    from syncflow_dagster.nodes.tag.plan_report import TagPlanReport
    from syncflow_dagster.nodes.tag.wishes import Wish
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import TagNode
    from syncflow_dagster.workflows.models.policy import Policy

#: Makes the gate, given the client, the policy and the tagged object.
GateMaker = Callable[[SalesforceClient, "Policy", str], "GatePort"]


@dataclass(frozen=True, slots=True)
class TagOptions:
    """How a run is done.

    Attributes:
        actor: Who runs; with four eyes he may not approve what the run plans.
        run_id: The run's id, under which what it writes can be taken back.
        dry_run: Keep the plan and its lines, and write nothing else.
        limit: Rows looked at, at most.
        delivery: How long delivery keeps at it.
        environ: Variables for the policy file and the gate; the process's own if left out.
    """

    actor: str
    run_id: str | None = None
    dry_run: bool = False
    limit: int | None = None
    delivery: DeliveryOptions = field(default_factory=DeliveryOptions)
    environ: Mapping[str, str] | None = None


class TagRun:
    """One tag node of one workflow.

    Args:
        database: Delta tables, plans and ledger.
        clock: Database time, and waiting.
        loaded: The workflow.
        node: Its tag node.
        options: How to do it.
        gate: Makes the consent gate; the org's own, with the environment's key, if left out.

    Raises:
        PolicyUnusable: The node's policy is not there, or has mistakes.
        PrivacyKeyError: There is no usable key for hashes of persons.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        loaded: LoadedWorkflow,
        node: TagNode,
        options: TagOptions,
        gate: GateMaker | None = None,
    ) -> None:
        workflow = loaded.workflow
        connection = workflow.connections[node.connection]
        source = workflow.node(node.source)
        if not isinstance(connection, SalesforceConnection) or not isinstance(source, DeltaNode):
            msg = f"tag node {node.name!r} needs a salesforce connection and a delta node"
            raise TypeError(msg)
        self.policy = policy_of(loaded, node, options.environ)
        self.warnings: list[Mistake] = []
        self._database = database
        self._clock = clock
        self._loaded = loaded
        self._workflow = workflow
        self._node = node
        self._source = source
        self._options = options
        self._client = SalesforceClient(connection, wait=clock.sleep)
        self._gate = (gate or self._own_gate)(self._client, self.policy, node.object)
        self._store = plan_store(database, workflow, node)
        self._looker: Looker | None = None
        self._ways: Ways = {}
        self._queries = sql.load("tag")

    def close(self) -> None:
        """Close the connections to the org."""
        self._client.close()

    def prepare(self) -> list[Mistake]:
        """Read what the org is like, and return what is worth knowing.

        Raises:
            TagUnfit: Org, policy and node do not fit each other.
            SourceError: The org does not answer.
        """
        found = self.faults()
        if any(not one.warning for one in found):
            raise TagUnfit(found)
        self.warnings = found
        return found

    def faults(self) -> list[Mistake]:
        """Return everything in which org, policy and node do not fit each other.

        Raises:
            SourceError: The org does not answer.
        """
        describes = Describes(self._client)
        tagged = describes.object(self._node.object)
        wrong: list[Mistake] = []
        if tagged is not None:
            tags = [one.tag for one in self._node.rules]
            objects = {one.object for one in tags if isinstance(one, JunctionTag)}
            known = {name: info for name in objects if (info := describes.object(name))}
            self._looker = Looker(tagged, junctions=known)
            names = {one.topic for one in tags if isinstance(one, TopicTag)}
            if names and describes.object("Topic") is not None:
                self._looker.find_topics(names, self._ask)
            self._ways, wrong = ways_back(self._workflow, self._node, tagged, describes)
        topics = {} if self._looker is None else self._looker.topics
        return wrong + check_tag(
            self._workflow,
            self._node,
            describes,
            self.policy,
            topics,
            self._calendar(),
            self._ways,
        )

    def plan(self) -> TagPlanReport:
        """Apply what is approved, and plan what is pending; call `prepare` first.

        Raises:
            SourceError: The org does not answer.
        """
        if not self._options.dry_run:
            kept = timedelta(days=self._workflow.retention.delta_days)
            retry_transient(lambda: self._store.forget_lines(self._clock.now() - kept), self._clock)
        return self._planning().run()

    def undo(self, run: str) -> TagPlanReport:
        """Plan the reverse of what a run has written; call `prepare` first.

        Raises:
            SourceError: The org does not answer.
        """
        return self._planning().undo(run)

    def deliver(self, progress: Teller | None = None) -> DeliveryReport:
        """Bring what is in the ledger to the org; call `prepare` first.

        Returns:
            What all passes did together.
        """
        destination = self.destination()
        reports = []
        for number in sorted(PASSES.values()):
            delivery = Delivery(
                self._database,
                self._clock,
                destination,
                self._scope(number),
                self._options.delivery,
                progress,
            )
            reports.append(delivery.run())
            # One that had to leave is followed by the others, which count what waits.
            if reports[-1].stopped is not None or reports[-1].paused is not None:
                break
        return _together(reports)

    def destination(self) -> TagDestination:
        """Return the org as a destination of the ledger."""
        screen = Screen(
            self._gate,
            self._client,
            self._ready(),
            self._note_found,
            self._clock,
            self.policy.hash,
            lambda: policy_of(self._loaded, self._node, self._options.environ).hash,
        )
        bulk = None
        if self._node.bulk_from is not None:
            bulk = BulkLane(self._client, screen, self._job_lines)
        return TagDestination(self._client, screen, self._node.batch_size, bulk)

    def budgets(self) -> Budgets:
        """Return what the org may still be asked for."""
        first = costs.limits(self._client.connection.timeout_s)
        name = account(self._client.connection.account)
        return Budgets(self._database, self._clock, name, first)

    def _own_gate(self, client: SalesforceClient, policy: Policy, tagged: str) -> GatePort:
        environ = os.environ if self._options.environ is None else self._options.environ
        return salesforce_gate(
            self._database,
            self._clock,
            client,
            policy,
            tagged,
            environ=environ,
            run_id=self._options.run_id,
        )

    def _planning(self) -> Planning:
        looker, node, options = self._ready(), self._node, self._options
        conditions, _ = matchers(node, self._source, self._calendar())
        by_condition = {
            id(rule.when): conditions[rule.name] for rule in node.rules if rule.when is not None
        }
        computer = Computer(
            node,
            self._store,
            _Reader(looker, self._ask),
            lambda condition, row: by_condition[id(condition)](row),
            {one.name: one for one in looker.tagged.fields},
            self._ways,
            account(self._client.connection.account),
            self._clock,
            self._client.connection.settle_s,
        )
        keeper = Keeper(
            self._database,
            self._clock,
            self._store,
            EffectStore(self._database),
            node,
            self._scope(0),
            account(self._client.connection.account),
            str(self._client.connection.url),
            PlanPolicy(self.policy, self._count_records()),
            PlanOptions(options.actor, options.run_id, options.dry_run, options.limit),
        )
        return Planning(keeper, computer)

    def _ready(self) -> Looker:
        if self._looker is None:
            self.prepare()
        assert self._looker is not None
        return self._looker

    def _scope(self, number: int) -> Scope:
        return Scope(self._workflow.workflow, self._node.name, number)

    def _calendar(self) -> Calendar:
        return Calendar(self._clock.now())

    def _count_records(self) -> int:
        text: Any = self._queries["count_records"]
        with self._database.transaction() as conn:
            statement = compose.SQL(text).format(snapshot=snapshot_id(self._source))
            row = conn.execute(statement).fetchone()
        return int(row["records"]) if row else 0

    def _ask(self, soql: str) -> list[Mapping[str, Any]]:
        """Return all rows of a query.

        Raises:
            SourceError: The org does not give them.
        """
        return rows_of(self._client, soql)

    def _note_found(self, effects: Sequence[Effect]) -> None:
        ids = [one.effect_id for one in effects]
        given = {"effect_ids": ids, "now": self._clock.now()}
        self._database.execute(self._queries["note_found"], given)

    def _job_lines(self, job_id: str) -> Mapping[int, str]:
        rows = self._database.fetch_all(self._queries["job_lines"], {"job_id": job_id})
        return {row["job_line"]: line_key(row["kind"], row["payload"]) for row in rows}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what records show for planning."""

    looker: Looker
    query: Callable[[str], Sequence[Mapping[str, Any]]]

    def read(self, wishes: Sequence[Wish]) -> Records:
        return self.looker.look(((one.place, [one.cell]) for one in wishes), self.query).records


def _together(reports: Sequence[DeliveryReport]) -> DeliveryReport:
    """Return what several passes did as if they were one."""
    whole = DeliveryReport()
    for one in reports:
        whole.outcomes.update(one.outcomes)
        whole.requests += one.requests
        whole.jobs += one.jobs
        whole.lookups += one.lookups
        whole.at_work += one.at_work
        whole.waited_s += one.waited_s
        whole.waiting += one.waiting
        whole.remaining += one.remaining
        whole.stopped = whole.stopped or one.stopped
        whole.paused = whole.paused or one.paused
        whole.left = whole.left or one.left
        whole.forecast = whole.forecast or one.forecast
    return whole
