"""What a person may choose for one run, in one place of the launchpad for all its steps."""

from typing import Any

import dagster as dg
from pydantic import Field

#: Key of the resource that carries the options to every step.
RESOURCE = "run_options"


class RunOptions(dg.Config):
    """Options of one run."""

    dry_run: bool = Field(
        False,
        description="Show what the push would do, and write nothing to the board nor to the "
        "ledger. The delta is still built: it writes only here, and the rows wait for a push.",
    )
    limit: int | None = Field(
        None,
        description="Items the push takes up at most, each with its subitems and statuses. "
        "Whatever is left waits; the sensor pushes it unless it is switched off.",
    )
    full_resync: bool = Field(
        False,
        description="Treat every record as changed, so that the board is written afresh from the "
        "source. Items are updated, never made twice.",
    )
    customer: str | None = Field(
        None,
        description="Push only the records of this customer, as written after normalisation, for "
        "example `GREYSON CLOTHIERS`.",
    )
    approve_plan: str | None = Field(
        None,
        description="Hash of a tag plan that this run is to apply, or its first eight characters "
        "or more. It is approved by `approved_by`, whom the policy must name, and refused if its "
        "data or the policy have changed.",
    )
    approved_by: str | None = Field(
        None,
        description="Who approves the plan, by name. With `four_eyes` in the policy it is not who "
        "planned it, nor who started this run where the plan names only a run.",
    )
    approval_reason: str | None = Field(None, description="Why; it is kept with the approval.")
    started_by: str | None = Field(
        None,
        description="Who starts this run, by name. Plans of tags it makes are planned by him, so "
        "with `four_eyes` somebody else has to approve them. Names are not checked.",
    )
    outside_window: str | None = Field(
        None,
        description="Why this run may be at work outside the workflow's windows. It is kept, with "
        "`started_by`; other runs still wait for the next window.",
    )


class RunOptionsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Carries the options of a run to its steps."""

    options: RunOptions = RunOptions.model_validate({})


def run_config(**chosen: Any) -> dict[str, Any]:
    """Return the run configuration of a workflow's job: what the launchpad's editor would hold.

    Args:
        chosen: Fields of `RunOptions`; those that are None are left out.

    Raises:
        pydantic.ValidationError: There is no such field, or a value does not fit.
    """
    options = RunOptions.model_validate(chosen).model_dump()
    return {name: value for name, value in options.items() if value is not None}


def resource_config(options: RunOptions) -> dict[str, Any]:
    """Return the run configuration that carries options to every step."""
    config = run_config(**options.model_dump())
    return {"resources": {RESOURCE: {"config": {"options": config}}}}


@dg.config_mapping
def job_options(options: RunOptions) -> dict[str, Any]:
    """Map the flat options of a job to the resource that carries them."""
    return resource_config(options)
