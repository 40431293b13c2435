"""Connections: named accounts at a service or database. Secrets come from the environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from syncflow_dagster.workflows.models.common import Model, Text
from syncflow_dagster.workflows.models.linkedin import UnipileConnection
from syncflow_dagster.workflows.models.salesforce import SalesforceConnection


class SqlConnection(Model):
    """A database rows are pulled from."""

    type: Literal["sql"] = Field(description="A SQL database.")
    url: SecretStr = Field(
        min_length=1, description="SQLAlchemy URL, for example `${ORDERS_DATABASE_URL}`."
    )
    most_at_once: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Reads of this database at the same time, of all workflows and machines "
        "together; whoever comes later waits. Left out: as many as runs are at work, so that "
        "the partitions of a delta node are read at once.",
    )
    most_rows_per_s: int | None = Field(
        None,
        ge=1,
        description="Rows a read takes in a second at most, on average; left out: as fast as they "
        "come.",
    )

    @property
    def is_spared(self) -> bool:
        """Whether there is a limit to what is asked of it."""
        return self.most_at_once is not None or self.most_rows_per_s is not None


class FilesConnection(Model):
    """A folder whose files rows are pulled from: CSV or Parquet, by the end of their names."""

    type: Literal["files"] = Field(description="A folder of CSV or Parquet files.")
    folder: Text = Field(description="Absolute path of the folder, for example `/srv/exports`.")
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="Sign between two values of a CSV file. Left out: a comma, in `.tsv` a tab.",
    )
    encoding: Text = Field("utf-8", description="Encoding of CSV files, by Python's name of it.")
    header: bool = Field(
        True,
        description="Whether the first row of a CSV file names the columns; else they are "
        "`column_1`, `column_2` and so on.",
    )
    null_text: str = Field(
        "", description="What stands for NULL in a CSV file; in quotes it is a text."
    )


class MondayConnection(Model):
    """An account at monday.com."""

    type: Literal["monday"] = Field(description="An account at monday.com.")
    token: SecretStr = Field(min_length=1, description="API token, for example `${MONDAY_TOKEN}`.")
    url: Text = Field("https://api.monday.com/v2", description="Where the GraphQL API answers.")
    account: Text = Field(
        "default",
        description="Name of the account; everything sent with the same name shares one budget.",
    )
    api_version: str = Field(
        "2026-10", pattern=r"^\d{4}-\d{2}$", description="Pinned monday API version."
    )
    timeout_s: float = Field(60, gt=0, le=300, description="Seconds until a request is given up.")
    settle_s: float = Field(
        65,
        ge=0,
        le=3600,
        description="Seconds after which monday's reads show every write it will still apply; "
        "only then is 'not found' believed. Longer than monday's own 60 s request limit.",
    )
    upload_valid_s: float = Field(
        600,
        ge=0,
        le=86_400,
        description="Seconds for which monday takes the file of a bulk job; only then is a job "
        "without one known to make nothing.",
    )
    timezone: Text = Field(
        "UTC", description="IANA time zone of the account: decides hour and day of a date-time."
    )
    week_starts: Literal["monday", "sunday"] = Field(
        "monday", description="First day of the week in the account's settings."
    )


Connection = Annotated[
    SqlConnection | FilesConnection | MondayConnection | SalesforceConnection | UnipileConnection,
    Field(discriminator="type"),
]
