"""What a describe tells of objects and fields of a Salesforce org, as plain data.

Field types are Salesforce's own words: `id`, `string`, `reference`, `multipicklist` and so on
(https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of an object, as describe shows it to the connected user.

    Attributes:
        name: API name in its own case, such as `AccountId`.
        type: Salesforce's word for its type.
        label: Name people see.
        length: Longest text in characters; 0 where it means nothing.
        digits: Most digits of an int.
        precision: Most digits of a decimal number, those after the point included.
        scale: Digits after the point.
        nillable: Whether it may be empty.
        defaulted_on_create: Whether a record made without it gets a value.
        createable: Whether it can be given when a record is made.
        updateable: Whether it can be changed.
        filterable: Whether a condition can use it.
        sortable: Whether rows can be ordered by it.
        calculated: Whether a formula or roll-up makes it: it changes without a time stamp.
        external_id: Whether it is an external id.
        unique: Whether no two records share a value.
        case_sensitive: Whether its texts are compared by case.
        reference_to: Objects a reference can point to.
        relationship_name: Name by which a parent's fields are reached, such as `Account`.
        compound: Compound field it is a part of, such as `MailingAddress`.
        picklist: Active values of a picklist, by API value.
        restricted: Whether a picklist takes no other values.
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    digits: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    defaulted_on_create: bool = False
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    sortable: bool = True
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    compound: str | None = None
    picklist: tuple[str, ...] = ()
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object, as describe shows it to the connected user.

    Attributes:
        name: API name in its own case.
        fields: Its fields in describe's order; names in any case find them.
        label: Name people see.
        key_prefix: First three characters of its ids, where it has them.
        custom: Whether the org made it.
        queryable: Whether it can be queried.
        createable: Whether records can be made.
        updateable: Whether records can be changed.
    """

    name: str
    fields: tuple[FieldInfo, ...]
    label: str = ""
    key_prefix: str | None = None
    custom: bool = False
    queryable: bool = True
    createable: bool = True
    updateable: bool = True
    _by_name: Mapping[str, FieldInfo] = field(init=False, repr=False, compare=False)
    _by_relationship: Mapping[str, FieldInfo] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields by their names."""
        by_name = {one.name.lower(): one for one in self.fields}
        parents = {
            one.relationship_name.lower(): one for one in self.fields if one.relationship_name
        }
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_by_relationship", parents)

    def field(self, name: str) -> FieldInfo | None:
        """Return the field of that name, in any case."""
        return self._by_name.get(name.lower())

    def relationship(self, name: str) -> FieldInfo | None:
        """Return the reference field behind the name of a relationship, in any case."""
        return self._by_relationship.get(name.lower())


class Schema(Protocol):
    """The objects of an org."""

    def object(self, name: str) -> ObjectInfo | None:
        """Return the object of that name in any case; None if the user can see no such object."""
        ...

    def names(self) -> Iterable[str]:
        """Return the API names of all objects the user can see."""
        ...
