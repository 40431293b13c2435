"""The tag node: rules that put tags on Salesforce records, under a policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import FieldName, Model, Slug, Text
from syncflow_dagster.workflows.models.salesforce import ConditionTree


class FieldTag(Model):
    """A value set in a picklist, checkbox or text field."""

    type: Literal["picklist", "checkbox", "text"] = Field(description="Type of the field.")
    field: Text = Field(description="API name of the field.")
    value: bool | Text = Field(
        description="The value; in a text, fields of the source in braces: `Moved to {company}`."
    )


class MultiPicklistTag(Model):
    """Values added to or removed from a multi-select picklist; the others stay."""

    type: Literal["multipicklist"] = Field(description="A multi-select picklist.")
    field: Text = Field(description="API name of the field.")
    add: list[Text] = Field(default_factory=list, description="Values it shall have.")
    remove: list[Text] = Field(default_factory=list, description="Values it shall not have.")


class TopicTag(Model):
    """A topic assigned to the record."""

    type: Literal["topic"] = Field(description="A topic.")
    topic: Text = Field(description="Name of the topic; it has to be there.")


class CampaignTag(Model):
    """The record as a member of a campaign."""

    type: Literal["campaign"] = Field(description="Membership of a campaign.")
    campaign: Text = Field(description="Id of the campaign.")
    status: Text | None = Field(
        None,
        description="Status of a new member, the campaign's default if left out; the status of who "
        "is a member already stays.",
    )


class JunctionTag(Model):
    """A record of a junction object, found again by an external id."""

    type: Literal["junction"] = Field(description="A record of a junction object.")
    object: Text = Field(description="API name of the object, such as `Tag_Assignment__c`.")
    external_id: Text = Field(description="Its unique external id field.")
    lookup: Text = Field(description="Its lookup field to the tagged record.")
    tag: Text = Field(
        description="Name of the tag: with the record's id and the purpose it makes the external "
        "id, so that the same tag is the same record for ever."
    )
    values: dict[Text, str | bool | float] = Field(
        default_factory=dict, description="Its other fields, by API name."
    )


class FieldsTag(Model):
    """Values of the source, written to the fields a delta node would read them from."""

    type: Literal["fields"] = Field(description="Values of the source, by a mapping.")
    mapping: Slug = Field(
        description="Delta node whose fields are the mapping: the `column` of each is the field of "
        "the object its values are written to. The source, or one with fields of the same names."
    )
    only: list[FieldName] | None = Field(
        None,
        min_length=1,
        description="Fields to write; left out: all that both nodes have and that have a way back.",
    )
    nulls: Literal["keep", "clear"] = Field(
        "keep",
        description="What a field without a value does: nothing, or empty the record's.",
    )


Tag = Annotated[
    FieldTag | MultiPicklistTag | TopicTag | CampaignTag | JunctionTag | FieldsTag,
    Field(discriminator="type"),
]


class TagRule(Model):
    """Which records get which tag."""

    name: Slug = Field(description="Name of the rule, unique in the node.")
    when: ConditionTree | None = Field(
        None, description="Of which rows, by the fields of the source; left out: of all."
    )
    record: FieldName = Field(description="Field of the source with the id of the record to tag.")
    purpose: Slug = Field(description="Purpose in the policy this tag serves.")
    tag: Tag = Field(description="What is written.")
    on_delete: Literal["keep", "remove"] = Field(
        "keep",
        description="What a row does that says its record is gone from the source: nothing, or "
        "take the tag back.",
    )


class TagNode(Model):
    """Puts tags on Salesforce records: planned, approved, checked for consent, then written."""

    type: Literal["tag"] = Field(description="Tags Salesforce records.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="What is tagged, in a sentence for people.")
    connection: Slug = Field(description="Name of a `salesforce` connection.")
    source: Slug = Field(description="Delta node whose records are tagged.")
    object: Text = Field(description="API name of the tagged object, such as `Contact`.")
    policy: Text = Field(description="Path of the policy file, relative to this file.")
    rules: list[TagRule] = Field(min_length=1, description="Which records get which tag.")
    plan_rows: int = Field(
        20_000, ge=1, le=100_000, description="Rows of the source one plan is made for at most."
    )
    batch_size: int = Field(200, ge=1, le=200, description="Records in one request.")
    bulk_from: int | None = Field(
        2_000,
        ge=1,
        description="Records of one plan from which they are written by Bulk API 2.0 jobs; null: "
        "never. Multi-select picklists never are.",
    )
