"""The pull node: rows of a SQL query."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import Model, Slug, Text

#: A value bound into a query.
Parameter = bool | int | float | datetime | date | str | None


class PullNode(Model):
    """Reads rows through a SQL template, in batches."""

    type: Literal["pull"]
    name: Slug
    description: Text
    connection: Slug = Field(description="Name of a `sql` connection.")
    query: Text = Field(description="Path of the `.sql.j2` template, relative to this file.")
    parameters: dict[Slug, Parameter] = Field(
        default_factory=dict, description="Values the template may use; each is bound, never text."
    )
    batch_rows: int = Field(50_000, ge=1, le=1_000_000, description="Rows held at a time.")
