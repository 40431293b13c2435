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


class RunOptionsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Carries the options of a run to its steps."""

    options: RunOptions = RunOptions(dry_run=False, limit=None, full_resync=False, customer=None)


def run_config(
    *,
    dry_run: bool = False,
    limit: int | None = None,
    full_resync: bool = False,
    customer: str | None = None,
) -> dict[str, Any]:
    """Return the run configuration of a workflow's job: what the launchpad's editor would hold."""
    chosen = {
        "dry_run": dry_run,
        "limit": limit,
        "full_resync": full_resync,
        "customer": customer,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def resource_config(options: RunOptions) -> dict[str, Any]:
    """Return the run configuration that carries options to every step."""
    config = run_config(**options.model_dump())
    return {"resources": {RESOURCE: {"config": {"options": config}}}}


@dg.config_mapping
def job_options(options: RunOptions) -> dict[str, Any]:
    """Map the flat options of a job to the resource that carries them."""
    return resource_config(options)
