"""Approving and refusing plans: by a person whom the policy names, with a reason, kept for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.tag.plans import SHORT, PlanStatus, PlanStore, stored
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.tag.plans import StoredPlan
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import TagNode, Workflow
    from syncflow_dagster.workflows.models.policy import Policy

#: Characters of a hash that are enough to name a plan.
_FEWEST = 8
_OPEN = frozenset({PlanStatus.PROPOSED, PlanStatus.WAITING})
#: What a planner is called who is no named person; the run's id follows.
RUN = "run "


class NotApprovable(RuntimeError):
    """A plan cannot be approved or refused; the text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class ApprovingRun:
    """The run whose configuration approves a plan.

    Attributes:
        run_id: Its id.
        started_by: Who started it, as he says; None if nobody said.
    """

    run_id: str
    started_by: str | None = None


def planner(started_by: str | None, run_id: str) -> str:
    """Return who plans in a run: who started it, else the run itself."""
    return (started_by or "").strip() or f"{RUN}{run_id}"


def decided_by(plan: StoredPlan, actor: str) -> bool:
    """Tell whether this person has let the plan through already."""
    through = plan.status in (PlanStatus.APPROVED, PlanStatus.APPLIED)
    return through and plan.decided_by is not None and _same(plan.decided_by, actor)


def plan_store(database: Database, workflow: Workflow, node: TagNode) -> PlanStore:
    """Return the plans of a tag node."""
    source = workflow.node(node.source)
    if not isinstance(source, DeltaNode):
        msg = f"source {node.source!r} of tag node {node.name!r} is no delta node"
        raise TypeError(msg)
    return PlanStore(database, workflow.workflow, node.name, source)


def find_plan(database: Database, workflow: str, plan_hash: str) -> StoredPlan:
    """Return the plan whose hash begins so; of several with the same hash, the newest.

    Raises:
        NotApprovable: There is none, the beginning is too short, or several plans have it.
    """
    if len(plan_hash) < _FEWEST:
        msg = f"{plan_hash!r} is too short to name a plan: give {_FEWEST} characters or more"
        raise NotApprovable(msg)
    given = {"workflow": workflow, "plan_hash": plan_hash.lower()}
    found = [stored(one) for one in database.fetch_all(sql.load("tag")["plan_by_hash"], given)]
    hashes = {one.plan_hash[:SHORT] for one in found}
    if not found:
        msg = f"{workflow} has no plan {plan_hash!r}; `syncflow tag plans {workflow}` lists them"
        raise NotApprovable(msg)
    if len(hashes) > 1:
        msg = f"several plans begin with {plan_hash!r}: {', '.join(sorted(hashes))}"
        raise NotApprovable(msg)
    return found[0]


def approve(
    database: Database,
    workflow: Workflow,
    policy: Policy,
    plan_hash: str,
    by: By,
    now: datetime,
    run: ApprovingRun | None = None,
) -> StoredPlan:
    """Let the next run apply a plan, if nothing has changed by then.

    Args:
        database: Where plans are kept.
        workflow: The workflow.
        policy: The policy of its tag node, as it is now.
        plan_hash: The plan's hash, or its beginning.
        by: Who approves, and why.
        now: Database time.
        run: The run whose configuration approves; None on the command line.

    Returns:
        The plan as it stands then.

    Raises:
        NotApprovable: The person may not, the plan is not open, or what it was made from changed.
    """
    return _decide(database, workflow, policy, plan_hash, by, PlanStatus.APPROVED, now, run)


def refuse(
    database: Database, workflow: Workflow, policy: Policy, plan_hash: str, by: By, now: datetime
) -> StoredPlan:
    """Let nobody apply a plan; its rows are dead letters, which `retry-dead` lets be planned anew.

    See `approve` for the arguments.

    Raises:
        NotApprovable: The person may not, or the plan is not open.
    """
    return _decide(database, workflow, policy, plan_hash, by, PlanStatus.REFUSED, now)


def _decide(
    database: Database,
    workflow: Workflow,
    policy: Policy,
    plan_hash: str,
    by: By,
    status: PlanStatus,
    now: datetime,
    run: ApprovingRun | None = None,
) -> StoredPlan:
    plan = find_plan(database, workflow.workflow, plan_hash)
    node = workflow.node(plan.node)
    assert node.type == "tag"
    store = plan_store(database, workflow, node)
    with database.transaction() as conn:
        plan = store.lock(conn, plan.plan_id)
        _may_decide(plan, policy, by, status, run)
        why = _outdated(plan, policy) if status is PlanStatus.APPROVED else None
        if why is None and status is PlanStatus.APPROVED:
            lost = store.lost_rows(conn, plan, store.row_ids(plan.plan_id))
            why = f"{lost:,} of its rows have changed" if lost else None
        if why is None:
            store.decide(conn, plan, status, actor=by.actor, reason=by.reason, now=now)
            return store.lock(conn, plan.plan_id)
        store.outdate(conn, plan, why, now)
    msg = f"plan {plan.plan_hash[:SHORT]} is outdated: {why}; the next run plans its rows anew"
    raise NotApprovable(msg)


def _may_decide(
    plan: StoredPlan, policy: Policy, by: By, status: PlanStatus, run: ApprovingRun | None
) -> None:
    name = f"plan {plan.plan_hash[:SHORT]}"
    if plan.status not in _OPEN:
        msg = f"{name} is {plan.status}; only a plan that is PROPOSED or WAITING can be decided"
        raise NotApprovable(msg)
    approvers = policy.approval.approvers
    if by.actor not in approvers:
        listed = ", ".join(approvers) or "nobody"
        msg = f"{by.actor!r} may not decide about {name}: the policy {policy.policy} names {listed}"
        raise NotApprovable(msg)
    if not by.reason.strip():
        msg = f"say why {name} is decided so: the reason is kept"
        raise NotApprovable(msg)
    if status is PlanStatus.APPROVED and policy.approval.four_eyes and _own(plan, by, run):
        msg = (
            f"{by.actor!r} has planned {name}, or started the run that is to approve it, and may "
            "not approve it: the policy wants four eyes"
        )
        raise NotApprovable(msg)


def _own(plan: StoredPlan, by: By, run: ApprovingRun | None) -> bool:
    """Tell whether planning and approving would be in one hand, as far as names tell."""
    if _same(by.actor, plan.planned_by):
        return True
    if run is None:
        return False
    unnamed = plan.planned_by.startswith(RUN)
    starts = run.started_by is not None and _same(by.actor, run.started_by)
    return run.run_id == plan.planned_run or (unnamed and starts)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _outdated(plan: StoredPlan, policy: Policy) -> str | None:
    return None if plan.policy_hash == policy.hash else "the policy has changed since it was made"
