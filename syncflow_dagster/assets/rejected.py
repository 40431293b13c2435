"""Rows that could not become records, tried again under today's rules without the source."""

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.delta import parent_of
from syncflow_dagster.assets.delta_metadata import retry_metadata, summary
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.progress import stage_teller
from syncflow_dagster.assets.steps import StepResources
from syncflow_dagster.nodes.delta.build import DeltaOptions
from syncflow_dagster.nodes.delta.retry import retry_rejected
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.store.builds import builds_folder
from syncflow_dagster.store.location import default_home
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode


def retry_job(loaded: LoadedWorkflow) -> dg.JobDefinition:
    """Return the job that tries a workflow's rejected rows again: a step for each delta node."""
    workflow = loaded.workflow

    @dg.job(
        name=names.retry_job_name(workflow),
        description="Tries the rows again that could not become records, under the rules of "
        "today and without reading the source. For rules that were too strict; what is wrong at "
        f"the source is mended there, and read by the next run. {workflow.description}",
        tags=names.run_tags(workflow),
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        # Parents first: their children may wait for them.
        done = None
        for node in workflow.deltas:
            step = _retry_step(loaded, node)
            done = step() if done is None else step(done)

    return job


def _retry_step(loaded: LoadedWorkflow, node: DeltaNode) -> dg.OpDefinition:
    workflow = loaded.workflow
    step = StepResources(loaded, [])

    @dg.op(
        name=names.step_name(workflow, f"retry_{node.name}"),
        description=f"Tries the rejected rows of `{node.name}` again.",
        ins={"before": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        required_resource_keys=step.keys,
    )
    def retry(context: dg.OpExecutionContext) -> None:
        with readable_failures(), step.open(context) as opened:
            result = retry_rejected(
                opened.database,
                workflow.workflow,
                node,
                parent=parent_of(workflow, node),
                clock=opened.clock,
                options=DeltaOptions(
                    run_id=context.run_id, home=builds_folder(default_home(), opened.database)
                ),
                progress=stage_teller(context.log.info),
            )
            still_open = Observer(opened.database).count_rejected(workflow.workflow, node.name)
        told = summary(result) if result is not None else "there is no row to try"
        context.log.info("%s: %s", node.name, told)
        metadata = retry_metadata(result, still_open)
        context.add_output_metadata(metadata)
        context.log_event(
            dg.AssetObservation(
                names.asset_key(workflow, node.name),
                description="Rejected rows were tried again.",
                metadata=metadata,
            )
        )

    return retry
