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
    "date",
    "checkbox",
    "email",
    "phone",
    "link",
    "country",
]


class ColumnMapping(Model):
    """A field written to a column of the board."""

    field: FieldName
    column: Text = Field(description="Column id on the board.")
    type: ColumnType = Field("text", description="The column's monday type.")


class StatusMapping(Model):
    """A field written to a status column, in the pass of its own after all items are there."""

    field: FieldName
    column: Text = Field(description="Column id on the board.")
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Label of the board for a value; a value not listed is sent as it is.",
    )


class ArchiveOnDelete(Model):
    """Archives the item of a deleted record."""

    policy: Literal["archive"]


class StatusOnDelete(Model):
    """Keeps the item of a deleted record and sets a status on it."""

    policy: Literal["status"]
    column: Text
    label: Text


class IgnoreOnDelete(Model):
    """Leaves the item of a deleted record as it is."""

    policy: Literal["ignore"]


OnDelete = Annotated[
    ArchiveOnDelete | StatusOnDelete | IgnoreOnDelete, Field(discriminator="policy")
]


class GroupRule(Model):
    """Which group an item stands in: the group whose title is the field's text."""

    field: FieldName
    otherwise: Text = Field("Ungrouped", description="Title for a record without a value.")


class ItemMapping(Model):
    """Records of one delta node as items (or subitems) of a board."""

    source: Slug = Field(description="Delta node whose records these are.")
    name: Text = Field(description="Item name; fields in braces: `{order_number} {style}`.")
    key_column: Text = Field(description="Text column that carries the record_uuid.")
    columns: list[ColumnMapping] = Field(default_factory=list)
    statuses: list[StatusMapping] = Field(default_factory=list)
    on_delete: OnDelete = ArchiveOnDelete(policy="archive")


class MondayPushNode(Model):
    """Brings delta rows to a monday board: groups and items, then subitems, then statuses."""

    type: Literal["monday_push"]
    name: Slug
    description: Text
    connection: Slug = Field(description="Name of a `monday` connection.")
    board_id: BoardId
    group: GroupRule
    items: ItemMapping
    subitems: ItemMapping | None = None
    batch_size: int = Field(
        20, ge=1, le=100, description="Mutations in one request (aliases of one document)."
    )
