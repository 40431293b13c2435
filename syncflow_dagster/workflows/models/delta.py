"""The delta node: how rows become records, and how changes of records are found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import FieldName, Identifier, Model, Slug, Text

FieldType = Literal["text", "integer", "decimal", "boolean", "date", "datetime"]


class ConstantTransform(Model):
    """The same text for every record."""

    type: Literal["constant"] = Field(description="The same text for every record.")
    value: str = Field(description="The text.")


class ConcatTransform(Model):
    """Texts of several source columns joined; empty ones are left out."""

    type: Literal["concat"] = Field(description="Texts of several columns joined.")
    columns: list[Text] = Field(min_length=1, description="Source columns, in their order.")
    separator: str = Field(" ", description="Text between two of them.")


class LookupTransform(Model):
    """A text replaced by what a table says for it."""

    type: Literal["lookup"] = Field(description="A text replaced by another.")
    values: dict[str, str] = Field(min_length=1, description="The new text for a text.")
    otherwise: Literal["keep", "null", "reject"] = Field(
        "reject", description="What happens to a text the table does not list."
    )


class ExpressionTransform(Model):
    """A SQL expression over source columns, evaluated row by row."""

    type: Literal["expression"] = Field(description="A SQL expression over source columns.")
    sql: Text = Field(description="The expression, for example `quantity * unit_price`.")


class PythonTransform(Model):
    """A Python function over a pandas frame of source columns."""

    type: Literal["python"] = Field(description="A Python function over a pandas frame.")
    function: Text = Field(
        description="`module:function`; the module lies beside this file or is installed."
    )
    columns: list[Text] = Field(min_length=1, description="Source columns the frame has.")


Transform = Annotated[
    ConstantTransform | ConcatTransform | LookupTransform | ExpressionTransform | PythonTransform,
    Field(discriminator="type"),
]


class FieldRule(Model):
    """One field of a record: where it comes from and what makes it comparable."""

    name: FieldName = Field(description="Name of the field, unique in the node.")
    type: FieldType = Field("text", description="Type the value is brought to.")
    column: str | None = Field(None, description="Source column; the field's name if left out.")
    description: str | None = Field(None, description="What the field means, for people.")
    scale: int = Field(
        2, ge=0, le=18, description="Digits after the point, of a decimal, rounded half to even."
    )
    timezone: str = Field("UTC", description="Zone of a date-time that carries none itself.")
    ambiguous: Literal["earliest", "latest", "reject"] = Field(
        "earliest", description="What an hour means that the zone's clocks show twice."
    )
    precision: Literal["second", "millisecond", "microsecond"] = Field(
        "microsecond", description="Digits of a date-time that are kept; the others are cut off."
    )
    case: Literal["keep", "upper", "lower"] = Field(
        "keep", description="Letter case a text is brought to."
    )
    whitespace: Literal["collapse", "trim", "keep"] = Field(
        "collapse", description="Whether blanks are made one, only cut at the ends, or kept."
    )
    empty: Literal["null", "keep"] = Field("null", description="What an empty text becomes.")
    required: bool = Field(False, description="A record without a value is rejected.")
    max_length: int | None = Field(None, ge=1, description="Longest text, in characters.")
    compared: bool = Field(True, description="Whether a change of it is a change of the record.")
    transform: Transform | None = Field(
        None, description="How the value is made, where it is not simply a column."
    )
    backfill: bool = Field(
        False,
        description="Whether known records get its values as soon as it is new in the file; else "
        "each gets its own with its next change.",
    )
    personal: bool = Field(
        False,
        description="Whether it tells about a person: then what runs show leaves its values out.",
    )

    @property
    def source_column(self) -> str:
        """Name of the source column the field is read from."""
        return self.column or self.name


class Unpivot(Model):
    """Turns wide columns into rows: one row for each column that holds a value."""

    columns: list[Text] = Field(min_length=1, description="Wide columns, in their order.")
    name_to: Text = Field(description="Column that takes the wide column's name (or its label).")
    value_to: Text = Field(description="Column that takes the value.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Text for a wide column, where its name is not it."
    )
    skip: list[Literal["null", "zero"]] = Field(
        ["null", "zero"], description="Values that give no row."
    )


class ParentReference(Model):
    """How a record names the record it belongs to."""

    node: Slug = Field(description="Delta node of the parents.")
    key: list[FieldName] = Field(
        min_length=1, description="Fields here that hold the parent's key, in the parent's order."
    )


class DeleteDetection(Model):
    """When a record that is no longer read counts as deleted."""

    detect: bool = Field(
        True, description="Whether a record is deleted that a whole read did not give."
    )
    marker: FieldName | None = Field(
        None,
        description="Boolean field by which a row says that its record is deleted, such as one of "
        "a recycle bin; its key is all that is used of it then.",
    )
    max_share: float = Field(
        0.5, gt=0, le=1, description="Largest share of known records one run may delete."
    )


class Detection(Model):
    """How changes are found."""

    strategy: Literal["hash", "rowversion", "auto"] = Field(
        "hash",
        description="`hash` reads all rows and compares contents; `rowversion` reads only rows "
        "whose version is newer than the last one seen; `auto` does that too, and reads all rows "
        "once in `sweep_every_h` to find what the versions missed, deletes among it.",
    )
    rowversion: FieldName | None = Field(
        None,
        description="Field of type integer or datetime that grows with every change of a row.",
    )
    overlap: int = Field(
        0,
        ge=0,
        description="How far behind the last version a read begins: seconds of a datetime, units "
        "of an integer. For sources whose versions become visible out of order.",
    )
    sweep_every_h: float = Field(
        24, gt=0, description="Hours after which `auto` reads all rows again."
    )


class Due(Model):
    """When each record is due: then it goes to its consumers once more, as if it had changed."""

    at: FieldName | None = Field(
        None, description="Date or datetime field: the record is due once, at that moment."
    )
    every: FieldName | None = Field(
        None,
        description="Text field that says when the record is due, again and again: a phrase, such "
        "as `last Friday of the month at 09:30`, or an interval, such as `10 days`.",
    )
    anchor: FieldName | None = Field(
        None, description="Date or datetime field from which a record's interval is counted."
    )
    timezone: Text = Field(
        "UTC",
        description="IANA time zone of phrases, and of dates, which begin at its midnight.",
    )
    release: Literal["at_once", "when_due"] = Field(
        "at_once",
        description="Whether a new or changed record goes to its consumers at once, or is held "
        "until it is due.",
    )


class DeltaNode(Model):
    """Compares what was pulled with what is known, and keeps the changes as delta rows."""

    type: Literal["delta"] = Field(description="Finds what changed.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="What is compared, in a sentence for people.")
    source: Slug = Field(description="Name of the pull or identity node.")
    entity: Slug = Field(description="Kind of record, for example `order`.")
    table: Identifier = Field(description="Table of the delta rows, for example order_list_delta.")
    key: list[FieldName] = Field(min_length=1, description="Fields of the business key.")
    fields: list[FieldRule] = Field(min_length=1, description="The fields of a record.")
    unpivot: Unpivot | None = Field(None, description="Makes several records of one wide row.")
    parent: ParentReference | None = Field(None, description="The record each one belongs to.")
    customer: FieldName | None = Field(None, description="Field that names the customer.")
    duplicates: Literal["reject", "first", "last"] = Field(
        "reject", description="What happens to records of one batch that share a business key."
    )
    deletes: DeleteDetection = Field(
        DeleteDetection(), description="When a record counts as deleted."
    )
    detection: Detection = Field(
        Detection(), description="Which rows are read, and what tells that one changed."
    )
    due: Due | None = Field(
        None,
        description="When each record is due, where records have times of their own. One that was "
        "due several times while nothing ran goes to its consumers once.",
    )
    partitions: int = Field(
        1,
        ge=1,
        le=64,
        description="Ranges of BK_HASH the work is split into; each is a Dagster partition that "
        "any machine can build.",
    )

    @property
    def is_own_parent(self) -> bool:
        """Whether the records have their parents among themselves, as a tree of categories has."""
        return self.parent is not None and self.parent.node == self.name

    @property
    def personal_columns(self) -> frozenset[str]:
        """Names of the fields that tell about a person, and of the columns they are read from."""
        rules = [rule for rule in self.fields if rule.personal]
        return frozenset(name for rule in rules for name in (rule.name, rule.source_column))

    def field(self, name: str) -> FieldRule:
        """Return the field called `name`.

        Raises:
            KeyError: the node has no such field.
        """
        for rule in self.fields:
            if rule.name == name:
                return rule
        raise KeyError(name)
