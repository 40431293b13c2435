"""Whose turn it is, as Dagster's runs and its queue show it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.core.turns import PRIORITIES, Candidate, Choice, choose
from syncflow_dagster.nodes.triggers.turns import Standing, standing
from syncflow_dagster.resources.store import Store
from syncflow_dagster.sensors.in_flight import InFlight
from syncflow_dagster.workflows.models import Workflow

#: Tag of a run that builds a partition.
_PARTITION_TAG = "dagster/partition"
#: Places where no queue of Dagster's limits them.
_UNLIMITED = 10_000


def may_start(
    instance: dg.DagsterInstance, under_way: InFlight, opened: Store, workflow: Workflow
) -> str | None:
    """Return why it is not a workflow's turn; None: it is.

    A schedule asks this. What must wait, the dispatcher starts when it is its turn.

    Args:
        instance: Where runs are recorded.
        under_way: What is at work.
        opened: SyncFlow's own database.
        workflow: The workflow; it has no run under way.
    """
    now = opened.clock.now()
    # While the dispatcher is switched off nobody is waited for: nobody would start them.
    stands = standing(opened.database, now, only_seen_lately=True)
    others = [one for one in stands.waiting if one.workflow != workflow.workflow]
    mine = candidate(workflow, stands, now)
    for one in choose_now(instance, under_way, [mine, *others], stands).waiting:
        if one.candidate == mine:
            return f"{one.reason}; it starts in its turn"
    return None


def choose_now(
    instance: dg.DagsterInstance,
    under_way: InFlight,
    candidates: Sequence[Candidate],
    stands: Standing,
) -> Choice:
    """Choose who may start, by what is at work and what owners have used."""
    return choose(
        candidates,
        at_work={owner for run in under_way.runs if (owner := run.tags.get(names.TURN_TAG))},
        here=stands.here,
        places=_places(instance, under_way.runs),
        used=stands.used,
    )


def candidate(workflow: Workflow, stands: Standing, now: datetime) -> Candidate:
    """Return a workflow that has something to do, as one who wants a turn."""
    since = {one.workflow: one.since for one in stands.waiting}
    return Candidate(
        workflow.workflow,
        workflow.owner,
        PRIORITIES[workflow.turns.priority],
        since.get(workflow.workflow, now),
    )


def shares(workflows: Iterable[Workflow]) -> Mapping[str, int]:
    """Return the share of each owner: the largest of its workflows'."""
    found: dict[str, int] = {}
    for one in workflows:
        found[one.owner] = max(found.get(one.owner, 1), one.turns.share)
    return found


def _places(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]) -> int:
    """Return how many runs may start.

    Partitions are queued all at once, and come after all others in the queue: they take what is
    left, and one place is theirs while any of them waits or runs.
    """
    queue = instance.get_concurrency_config().run_queue_config
    most = queue.max_concurrent_runs if queue is not None else -1
    if most < 0:
        return _UNLIMITED
    parts = sum(_PARTITION_TAG in run.tags for run in runs)
    mine = max(1, most - 1) if parts else most
    return max(0, mine - (len(runs) - parts))
