"""The identity node: which records are the same person, and who has moved to a new company."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import FieldName, Model, Slug, Text


class PersonFields(Model):
    """Which fields of the source tell who a record is about."""

    record_id: FieldName = Field(description="Field with the record's id at its service.")
    deleted: FieldName | None = Field(
        None,
        description="Boolean field that says that the record is deleted, where the delta node of "
        "the source has no `deletes: marker`.",
    )
    merged_into: FieldName | None = Field(
        None,
        description="Field with the id of the record it was merged into. The delta node of the "
        "source has no `deletes: marker` then, but this one may have `deleted`: of a row that is "
        "so marked, only the key is kept.",
    )
    first_name: FieldName | None = Field(None, description="Field with the first name.")
    last_name: FieldName = Field(description="Field with the last name, or the whole name.")
    email: FieldName | None = Field(None, description="Field with the e-mail address.")
    external_id: FieldName | None = Field(
        None, description="Field with an id of the person that another system gave."
    )
    linkedin: FieldName | None = Field(None, description="Field with the LinkedIn address.")
    phones: list[FieldName] = Field(default_factory=list, description="Fields with phone numbers.")
    account: FieldName | None = Field(
        None, description="Field with the id of the company's record; a new one is a move."
    )
    company: FieldName | None = Field(None, description="Field with the company's name.")
    prior_account: FieldName | None = Field(
        None,
        description="Field with the id of the company the person came from, where it is known.",
    )
    title: FieldName | None = Field(None, description="Field with the job title.")
    created: FieldName | None = Field(
        None,
        description="Field with the date-time the record was made: a move leads from the older "
        "record to the newer. Left out: in the order the records come.",
    )


class IdentityNode(Model):
    """Tells which records are one person; its rows are the moves to new companies."""

    type: Literal["identity"] = Field(description="Finds the person behind each record.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="Whose records these are, in a sentence for people.")
    source: Slug = Field(description="Delta node whose records are persons'.")
    person: PersonFields = Field(description="Fields that tell who a record is about.")
    shared_mailboxes: list[Text] = Field(
        default_factory=lambda: [
            "admin",
            "billing",
            "contact",
            "hello",
            "hr",
            "info",
            "jobs",
            "mail",
            "marketing",
            "office",
            "sales",
            "service",
            "support",
            "team",
        ],
        description="Local parts of e-mail addresses that several people read.",
    )
    batch_rows: int = Field(500, ge=1, le=10_000, description="Records decided in a transaction.")
