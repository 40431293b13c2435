"""The job by which a person steers a workflow's outreach: what `syncflow outreach` does, too."""

from typing import Any

import dagster as dg
from pydantic import Field

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.outreach import outreach_run
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.linkedin import interventions_views as views
from syncflow_dagster.nodes.linkedin.run import OutreachRun
from syncflow_dagster.nodes.linkedin.steering import Tool, Wanted, carry_out, lead_of, steps_of
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import LinkedInStepNode, Workflow

#: Of each sort of what is stuck, so many are counted.
_MOST_STUCK = 1_000
_EVENT_COLUMNS = ["inbox_id", "what", "received_at", "tries", "outcome"]
_STOP_COLUMNS = ["scope", "actor", "at", "reason"]


class Steering(dg.Config):
    """What is to be done, to what, who wants it, and why."""

    tool: Tool = Field(
        description="`stop`: sends nothing more of everything, a node or an account, at once; "
        "`start` ends it. `stuck`: only shows what waits for somebody. `pause` and `resume`: a "
        "lead, a node or an account. `replay`: an event is read again. All others are about a "
        "lead. `requeue`: it goes on; its action in question counts as not sent. `mark_sent`: "
        "that action was sent. `reconcile`: LinkedIn is asked about it. `mark_connected`: it is "
        "connected. `skip`: its step is left out. `withdraw`: its invitation is taken back now. "
        "`cancel`: it is out for good."
    )
    lead: int | None = Field(
        None, description="Number of a lead of this workflow; `stuck` and the checks show it."
    )
    event: int | None = Field(
        None, description="Number of an event of the inbox, for `replay`; `stuck` shows it."
    )
    node: str | None = Field(
        None,
        description="Name of a LinkedIn step of this workflow, for `stop`, `start`, `pause`, "
        "`resume`, and `stuck`, which takes all of them if it is left out.",
    )
    account: str | None = Field(
        None,
        description="An account as `unipile:default/anna`, or a tenant as `unipile:default`, for "
        "`stop`, `start`, `pause` and `resume`; in all workflows.",
    )
    everything: bool = Field(
        False,
        description="All that sends on LinkedIn, of all workflows, for `stop` and `start`.",
    )
    evidence: str | None = Field(
        None,
        description="For `mark_connected`, which needs it: where it can be seen, without names.",
    )
    remote_id: str | None = Field(
        None,
        description="For `mark_sent`: Unipile's id of the invitation or message, if it is known.",
    )
    by: str = Field("", description="Who wants it; it is noted. Only `stuck` goes without.")
    reason: str = Field(
        "", description="Why, without names; it is noted. Only `stuck` goes without."
    )

    def config(self) -> dict[str, Any]:
        """Return what the launchpad's editor would hold."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value}

    def wanted(self, workflow: Workflow) -> Wanted:
        """Return what is wanted.

        Raises:
            WronglyAsked: It does not go together.
        """
        about = self.model_dump(exclude={"tool", "node", "by", "reason"})
        node = f"{workflow.workflow}.{self.node}" if self.node else None
        return Wanted(self.tool, By(self.by, self.reason), node=node, **about)


def steering_job(loaded: LoadedWorkflow) -> dg.JobDefinition:
    """Return the job that steers a workflow's outreach."""
    workflow = loaded.workflow
    step = _step(loaded)

    @dg.config_mapping
    def chosen(config: Steering) -> dict[str, Any]:
        return {"ops": {step.name: {"config": config.config()}}}

    @dg.job(
        name=names.steering_job_name(workflow),
        description="Steers outreach by hand: the kill switch, leads that need somebody, what is "
        "stuck. Does what `syncflow outreach` does, and is noted with who and why. "
        f"{workflow.description}",
        tags=names.steering_tags(workflow),
        config=chosen,
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        step()

    return job


def _step(loaded: LoadedWorkflow) -> dg.OpDefinition:
    workflow = loaded.workflow
    tenants = list(dict.fromkeys(node.connection for node in workflow.linkedin_steps))
    resources = StepResources(loaded, tenants)

    @dg.op(
        name=names.step_name(workflow, "steer"),
        description="Does what a person wants, and notes it.",
        out=dg.Out(dg.Nothing),
        required_resource_keys=resources.keys,
    )
    def steer(context: dg.OpExecutionContext, config: Steering) -> None:
        with readable_failures(), resources.open(context) as opened:
            nodes, told, metadata = _steer(opened, config)
        context.log.info(told)
        context.add_output_metadata(metadata)
        for node in nodes:
            key = names.outreach_key(workflow, node, "statistics")
            context.log_event(dg.AssetObservation(key, description=told, metadata=metadata))

    return steer


def _steer(
    opened: OpenStep, config: Steering
) -> tuple[list[LinkedInStepNode], str, dict[str, Any]]:
    """Return the nodes it was about, what was done, and its metadata."""
    workflow = opened.loaded.workflow
    wanted = config.wanted(workflow)
    nodes = steps_of(workflow, config.node or None)
    if wanted.tool is Tool.stuck:
        return nodes, *_look(opened, nodes)
    if wanted.lead is not None:
        lead = lead_of(opened.database, wanted.lead, workflow.workflow)
        nodes = [node for node in nodes if node.name == lead.node]

    def run_of(lead_id: int) -> OutreachRun:
        (node,) = steps_of(workflow, lead_of(opened.database, lead_id).node)
        return outreach_run(opened, node.name, opened.clock)

    told = carry_out(wanted, opened.database, opened.clock, run_of)
    return nodes, told, {**config.config(), "told": told}


def _look(opened: OpenStep, nodes: list[LinkedInStepNode]) -> tuple[str, dict[str, Any]]:
    runs = [outreach_run(opened, node.name, opened.clock) for node in nodes]
    found = views.stuck(runs, _MOST_STUCK)
    told = (
        f"{len(found.late):,} leads do not go on, {len(found.waiting):,} wait for somebody, "
        f"{len(found.events):,} events could not be taken in, {len(found.stops):,} stops"
    )
    return told, {
        "late": len(found.late),
        "waiting": len(found.waiting),
        "failed_events": len(found.events),
        "stopped": len(found.stops),
        "leads": tables.table(views.lead_rows(found), views.LEAD_COLUMNS),
        "events": tables.table(views.event_rows(found), _EVENT_COLUMNS),
        "stops": tables.table(found.stops, _STOP_COLUMNS),
    }
