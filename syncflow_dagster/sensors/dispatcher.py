"""Starts what there is to do, in fair turns: due times, waiting rows, steps of leads.

At each tick one query tells which workflows may have something to do. If none has, that is all.
State decides, not keys: a run key would keep the rows of a failed run waiting for ever. What a run
takes up is decided in the run, by row locks, so an extra run does no harm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import dagster as dg
import psycopg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.nodes.triggers import slots, windows
from syncflow_dagster.nodes.triggers.turns import note_choice, standing
from syncflow_dagster.resources.dispatch import MOST_COUNTED, Outlook, outlook
from syncflow_dagster.resources.observe import Work
from syncflow_dagster.resources.outreach import OutreachWork, outreach_work
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.schedules.requests import run_request
from syncflow_dagster.sensors.after import note_upstream_ends
from syncflow_dagster.sensors.in_flight import InFlight, held_up
from syncflow_dagster.sensors.outreach import due_keys, outreach_request
from syncflow_dagster.sensors.turns import candidate, choose_now, shares
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import MigrationError
from syncflow_dagster.workflows.models import Workflow

NAME = "dispatcher"
_EVERY_S = 10
_NOTHING = "Nothing is to be done."
_COMING = "its run is on its way, or what was due is past by now"
_DESCRIPTION = (
    "Starts what there is to do, in fair turns: what is due by the clock or after another workflow "
    "and is not started yet; a push, as soon as rows or unfinished changes wait for it; LinkedIn "
    "steps, for the accounts that have something to do. Not while a run of the workflow is under "
    "way, nor outside its windows. An owner has one run at a time. After a run that failed, or "
    "whose push brought nothing to an end, it waits: half a minute first, doubled with each such "
    "run in a row, a quarter of an hour at most."
)

#: Gives the runs that are to start; asked when it is the workflow's turn.
_Requests = Callable[[], Sequence[dg.RunRequest]]


def dispatcher_sensor(built: Sequence[WorkflowDefinitions]) -> dg.SensorDefinition:
    """Return the sensor of all workflows."""
    workflows = [one.loaded.workflow for one in built]
    found = [(one.job, one.parts_job, one.push_job, one.outreach_job) for one in built]
    jobs: list[Job] = [job for some in found for job in some if job is not None]

    @dg.sensor(
        name=NAME,
        description=_DESCRIPTION,
        jobs=jobs or None,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={STORE},
    )
    def dispatcher(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        store: StoreResource = getattr(context.resources, STORE)
        return evaluate(context.instance, workflows, store, datetime.now(UTC))

    return dispatcher


def serves(workflow: Workflow) -> bool:
    """Whether a workflow asks to be started by waiting rows."""
    return any(one.type == "pending_rows" and one.enabled for one in workflow.triggers)


def evaluate(
    instance: dg.DagsterInstance,
    workflows: Sequence[Workflow],
    store: StoreResource,
    now: datetime,
) -> dg.SensorResult | dg.SkipReason:
    """Decide what starts now.

    Args:
        instance: Runs that are under way or have ended.
        workflows: The workflows to look at.
        store: Delta rows, ledger, slots and turns.
        now: This machine's time, as Dagster's run records have it.
    """
    if not workflows:
        return dg.SkipReason("There is no workflow.")
    try:
        with store.open() as opened:
            tick = _Tick(instance, workflows, opened.database, opened.clock.now(), now)
            return tick.decide()
    except (psycopg.Error, MigrationError) as error:
        return dg.SkipReason(f"SyncFlow's database cannot be asked: {str(error).strip()}")


@dataclass
class _Tick:
    """One evaluation.

    Attributes:
        instance: Runs that are under way or have ended.
        workflows: The workflows to look at.
        database: SyncFlow's own.
        db_now: Its time.
        now: This machine's time.
        reasons: Why what is to be done does not start now.
    """

    instance: dg.DagsterInstance
    workflows: Sequence[Workflow]
    database: Database
    db_now: datetime
    now: datetime
    reasons: list[str] = field(default_factory=list)

    def decide(self) -> dg.SensorResult | dg.SkipReason:
        """Find what is to be done, and choose what of it starts."""
        note_upstream_ends(self.instance, self.database, self.workflows, self.now)
        found = outlook(self.database, self._work(self.workflows), self.db_now)
        outreach = self._outreach()
        wanting = [
            (workflow, wanted)
            for workflow in self.workflows
            if (wanted := list(self._wanted(workflow, found, outreach)))
        ]
        if not wanting and not found.waiting:
            return dg.SkipReason(_NOTHING)
        requests = self._start(wanting)
        if requests:
            return dg.SensorResult(run_requests=requests)
        return dg.SkipReason(" ".join(self.reasons) or _NOTHING)

    def _work(self, workflows: Sequence[Workflow]) -> dict[str, Work]:
        work = {one.workflow: names.push_work(one) for one in workflows}
        for one in workflows:
            if not serves(one):
                work[one.workflow] = Work(due=work[one.workflow].due)
        return work

    def _outreach(self) -> OutreachWork:
        if any(one.linkedin_steps for one in self.workflows):
            return outreach_work(self.database, self.db_now)
        return OutreachWork(frozenset(), frozenset(), frozenset())

    def _wanted(
        self, workflow: Workflow, found: Outlook, outreach: OutreachWork
    ) -> Iterator[tuple[str, _Requests]]:
        """Give the jobs for which there is something to do, the one that does most first."""
        if workflow.workflow in found.slots:
            yield workflow.workflow, partial(self._slot_runs, workflow)
        if keys := due_keys(workflow, outreach):
            yield names.outreach_job_name(workflow), lambda: [outreach_request(workflow, keys)]
        if workflow.workflow in found.pending:
            yield names.push_job_name(workflow), partial(self._push_run, workflow)

    def _start(
        self, wanting: Sequence[tuple[Workflow, Sequence[tuple[str, _Requests]]]]
    ) -> list[dg.RunRequest]:
        """Let start whose turn it is, and note who waits for one."""
        under_way = InFlight.of(self.instance) if wanting else InFlight((), ())
        stands = standing(self.database, self.db_now)
        ready: dict[str, _Requests] = {}
        candidates = []
        for workflow, wanted in wanting:
            requests = self._free(workflow, wanted, under_way)
            if requests is not None:
                ready[workflow.workflow] = requests
                candidates.append(candidate(workflow, stands, self.db_now))
        choice = choose_now(self.instance, under_way, candidates, stands)
        asked = {one: list(ready[one.workflow]()) for one in choice.chosen}
        started = tuple(one for one, requests in asked.items() if requests)
        self.reasons += [f"{one.workflow}: {_COMING}." for one in set(asked) - set(started)]
        self.reasons += [f"{one.candidate.workflow}: {one.reason}." for one in choice.waiting]
        choice = replace(choice, chosen=started)
        note_choice(self.database, choice, shares(self.workflows), self.db_now)
        return [request for requests in asked.values() for request in requests]

    def _free(
        self, workflow: Workflow, wanted: Sequence[tuple[str, _Requests]], under_way: InFlight
    ) -> _Requests | None:
        """Return what a workflow may start, if it may; else note why it may not."""
        name = workflow.workflow
        stands = windows.standing(self.database, workflow, self.db_now)
        if stands is not None and not stands.open:
            self.reasons.append(f"{name}: outside its windows until {stands.when()}.")
            return None
        held = []
        for job, requests in wanted:
            reason = held_up(self.instance, under_way, workflow, job, self.now)
            if reason is None:
                return requests
            held.append(reason)
        self.reasons.append(f"{name}: {'; '.join(dict.fromkeys(held))}.")
        return None

    def _slot_runs(self, workflow: Workflow) -> list[dg.RunRequest]:
        """Ask for the runs of what was due first; none if they are asked for, or all is skipped."""
        opens = slots.opens_from(workflow)
        first = slots.next_to_start(self.database, workflow, self.db_now, opens)
        return [
            run_request(workflow, slot)
            for slot in first
            if slots.request(self.database, slot.slot_id, self.db_now)
        ]

    def _push_run(self, workflow: Workflow) -> list[dg.RunRequest]:
        """Ask for a push, and say what of."""
        work = self._work([workflow])
        found = outlook(self.database, work, self.db_now, most=MOST_COUNTED).pending
        # A run that has just ended may have taken it all up.
        return [
            dg.RunRequest(
                job_name=names.push_job_name(workflow),
                tags={**names.turn_tags(workflow), "started_by": pending.in_words()},
            )
            for pending in found.values()
        ]
