"""The Monday push node: how records become groups, items, subitems and statuses of a board."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import FieldName, Model, Slug, Text

BoardId = Annotated[str, Field(pattern=r"^\d+$")]
ColumnType = Literal[
    "text",
    "long_text",
    "numbers",
    "dropdown",
    "tags",
    "checkbox",
    "rating",
    "date",
    "timeline",
    "week",
    "hour",
    "world_clock",
    "email",
    "phone",
    "link",
    "country",
    "location",
    "people",
    "board_relation",
    "dependency",
    "color_picker",
]
#: Types whose cells link items. monday drops them from a create without a word, so they are written
#: once all items are there.
LINKING_TYPES = frozenset({"board_relation", "dependency"})


class ColumnMapping(Model):
    """A field written to a column of the board."""

    field: FieldName = Field(description="Field of the delta node.")
    column: Text = Field(description="Column id on the board.")
    type: ColumnType = Field("text", description="The column's monday type.")
    until: FieldName | None = Field(
        None, description="Field with the last day of a timeline; left out: it is one day long."
    )
    separator: str | None = Field(
        None,
        min_length=1,
        description="What stands between several values in one text, such as `;`; of dropdown, "
        "tags, people, board_relation and dependency.",
    )
    country: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        description="Country of phone numbers without a calling code, such as `US`.",
    )
    max_length: int | None = Field(
        None,
        ge=1,
        description="Longest text, in characters; left out: 2,000 of a long_text, of a text none.",
    )
    on_invalid: Literal["reject", "truncate", "drop"] = Field(
        "reject",
        description="What a value does that the column cannot take: `reject` the record, "
        "`truncate` a text that is too long, or `drop` the column from the write.",
    )


class StatusMapping(Model):
    """A field written to a status column, in the pass of its own after all items are there."""

    field: FieldName = Field(description="Field of the delta node.")
    column: Text = Field(description="Column id on the board.")
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Label of the board for a value; a value not listed is sent as it is.",
    )
    on_invalid: Literal["reject", "drop"] = Field(
        "reject",
        description="What a label does that the board does not have: `reject` the record, or "
        "`drop` the column from the write.",
    )


class ArchiveOnDelete(Model):
    """Archives the item of a deleted record."""

    policy: Literal["archive"] = Field(description="Archive the item.")


class StatusOnDelete(Model):
    """Keeps the item of a deleted record and sets a status on it."""

    policy: Literal["status"] = Field(description="Keep the item and set a status.")
    column: Text = Field(description="Id of the status column on the board.")
    label: Text = Field(description="Label to set.")


class IgnoreOnDelete(Model):
    """Leaves the item of a deleted record as it is."""

    policy: Literal["ignore"] = Field(description="Do nothing.")


OnDelete = Annotated[
    ArchiveOnDelete | StatusOnDelete | IgnoreOnDelete, Field(discriminator="policy")
]


class GroupRule(Model):
    """Which group an item stands in: the group whose title is the field's text."""

    field: FieldName = Field(description="Field of the items' delta node.")
    otherwise: Text = Field("Ungrouped", description="Title for a record without a value.")


class AdoptionRules(Model):
    """How `syncflow adopt` finds the record of an item that does not carry its id."""

    match: dict[FieldName, Text] = Field(
        default_factory=dict,
        description="Column that shows a field of the business key, or `name`; a field that is "
        "left out is looked for in the column it is written to.",
    )
    by_name: bool = Field(
        False,
        description="Whether an item whose columns do not tell is taken for the record of its "
        "name, where no other item or record has that name.",
    )


class ItemMapping(Model):
    """Records of one delta node as items (or subitems) of a board."""

    source: Slug = Field(description="Delta node whose records these are.")
    name: Text = Field(description="Item name; fields in braces: `{order_number} {style}`.")
    long_name: Literal["reject", "truncate"] = Field(
        "reject", description="What a name of more than 255 characters does."
    )
    key_column: Text = Field(description="Text column that carries the record_uuid.")
    columns: list[ColumnMapping] = Field(
        default_factory=list, description="Fields written to columns."
    )
    statuses: list[StatusMapping] = Field(
        default_factory=list, description="Fields written to status columns."
    )
    on_delete: OnDelete = Field(
        ArchiveOnDelete(policy="archive"), description="What a deleted record does to its item."
    )
    adopt: AdoptionRules = Field(
        AdoptionRules(), description="How items that were there before are taken over."
    )


class MondayPushNode(Model):
    """Brings delta rows to a monday board: groups and items, then subitems, then statuses."""

    type: Literal["monday_push"] = Field(description="Writes to a monday board.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="What is written, in a sentence for people.")
    connection: Slug = Field(description="Name of a `monday` connection.")
    board_id: BoardId = Field(description="Id of the board, as in its address: digits in quotes.")
    group: GroupRule = Field(description="The group an item stands in.")
    items: ItemMapping = Field(description="Records that become items.")
    subitems: ItemMapping | None = Field(None, description="Records that become subitems.")
    batch_size: int = Field(
        100,
        ge=1,
        le=100,
        description="Mutations in one request (aliases of one document) at most. It begins with "
        "20 and grows while monday answers in a quarter of the time-out.",
    )
    bulk_from: int | None = Field(
        1_000,
        ge=1,
        le=10_000,
        description="New items of one group from which they are made by a bulk job instead of by "
        "mutations; null: never.",
    )
