"""Triggers: what makes a workflow run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import Model, Slug, Text


class CronTrigger(Model):
    """Runs the whole workflow at fixed times."""

    type: Literal["cron"] = Field(description="A time trigger.")
    name: Slug = Field("schedule", description="Name of the schedule, unique in the workflow.")
    cron: Text = Field(description="Five cron fields, for example `*/15 7-19 * * 1-5`.")
    timezone: Text = Field("UTC", description="IANA time zone the cron is read in.")
    enabled: bool = Field(True, description="Whether the schedule starts switched on.")


class PendingRowsTrigger(Model):
    """Starts the push as soon as delta rows wait for it."""

    type: Literal["pending_rows"] = Field(description="A trigger on waiting delta rows.")
    enabled: bool = Field(True, description="Whether the sensor serves this workflow.")


Trigger = Annotated[CronTrigger | PendingRowsTrigger, Field(discriminator="type")]
