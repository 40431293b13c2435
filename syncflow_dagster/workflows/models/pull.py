"""The pull node: rows of a SQL query, or of files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import Model, Slug, Text

#: One value bound into a query.
Scalar = bool | int | float | datetime | date | str | None
#: What a template may use: a value, or a list that becomes `(:p1, :p2)` as `in` wants it.
Parameter = Scalar | list[Scalar]


class PullNode(Model):
    """Reads rows through a SQL template, or from files, in batches."""

    type: Literal["pull"] = Field(description="Reads rows from a database or files.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="What is read, in a sentence for people.")
    connection: Slug = Field(description="Name of a `sql` or `files` connection.")
    query: Text = Field(
        description="Path of the `.sql.j2` template, relative to this file; of files a pattern in "
        "the connection's folder, such as `orders-*.csv`."
    )
    parameters: dict[Slug, Parameter] = Field(
        default_factory=dict, description="Values the template may use; each is bound, never text."
    )
    resume: Text | None = Field(
        None,
        description="Column the rows are ordered by, its values unique and ascending. A read that "
        "was cut off goes on behind the last value kept; the template gets it as "
        "`resume_after`, which is null at first.",
    )
    batch_rows: int = Field(50_000, ge=1, le=1_000_000, description="Rows held at a time.")
