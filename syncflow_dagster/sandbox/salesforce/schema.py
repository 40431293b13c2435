"""What an org's objects and fields are: plain data, in Salesforce's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Types whose values stand in other fields; they are read, never written.
COMPOUND_TYPES = frozenset({"address", "location"})
TEXT_TYPES = frozenset(
    {"string", "textarea", "email", "phone", "url", "combobox", "encryptedstring"}
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
PICK_TYPES = frozenset({"picklist", "multipicklist"})


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field, with what `describe` tells of it.

    Attributes:
        name: The API name.
        type: Salesforce's word: `id`, `string`, `textarea`, `boolean`, `int`, `double`,
            `currency`, `percent`, `date`, `datetime`, `time`, `email`, `phone`, `url`,
            `picklist`, `multipicklist`, `combobox`, `reference`, `encryptedstring`, `base64`,
            `address`, `location`.
        length: Characters a text may have; 0 for other types.
        precision: Digits of a number, `scale` of them behind the point.
        calculated: A formula or roll-up: nobody writes it, and its changes stamp nothing.
        external_id: Records can be found and upserted by it.
        case_sensitive: Whether the values of a unique field differ by case.
        reference_to: Names of the objects a reference may point to.
        relationship_name: The reference's name in dotted paths, such as `Account`.
        picklist: The active values; `restricted` refuses all others.
        compound: Name of the compound field this one is a part of.
        default: Value of a new record that does not give one.
    """

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 18
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    compound: str | None = None
    default: Any = None

    @property
    def custom(self) -> bool:
        """Whether somebody of the org added the field."""
        return self.name.endswith("__c")


@dataclass(frozen=True)
class ObjectDef:
    """One sObject.

    Attributes:
        name: The API name.
        key_prefix: The three characters its Ids begin with.
        fields: Fields by API name, in the order of `describe`.
        bulk: Whether the Bulk API can query it.
        mergeable: Whether records can be merged (they then have `MasterRecordId`).
        defaults: Values of a new record that does not give them.
        compounds: The addresses, each with the fields it is made of.
    """

    name: str
    label: str
    key_prefix: str
    fields: Mapping[str, FieldDef]
    custom: bool = False
    queryable: bool = True
    bulk: bool = True
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    mergeable: bool = False
    defaults: dict[str, Any] = field(init=False, repr=False, compare=False)
    compounds: dict[str, tuple[FieldDef, ...]] = field(init=False, repr=False, compare=False)
    _by_lower: dict[str, FieldDef] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_lower = {name.lower(): one for name, one in self.fields.items()}
        object.__setattr__(self, "_by_lower", by_lower)
        every = self.fields.values()
        defaults = {one.name: one.default for one in every if one.default is not None}
        object.__setattr__(self, "defaults", defaults)
        addresses = [one.name for one in every if one.type == "address"]
        parts = {name: tuple(p for p in every if p.compound == name) for name in addresses}
        object.__setattr__(self, "compounds", parts)

    def field(self, name: str) -> FieldDef | None:
        """The field of this name, in any case."""
        return self._by_lower.get(name.lower())


class Schema:
    """All objects of an org.

    Args:
        objects: Their definitions; names differ by more than case.
    """

    def __init__(self, objects: Iterable[ObjectDef]) -> None:
        self._objects = {one.name.lower(): one for one in objects}
        self._prefixes = {one.key_prefix: one for one in self._objects.values()}

    def __iter__(self) -> Iterator[ObjectDef]:
        return iter(self._objects.values())

    def object(self, name: str) -> ObjectDef | None:
        """The object of this name, in any case."""
        return self._objects.get(name.lower())

    def of_id(self, record_id: str) -> ObjectDef | None:
        """The object an Id belongs to by its first three characters."""
        return self._prefixes.get(record_id[:3])

    def parent(self, parent_of: ObjectDef, relationship: str) -> tuple[FieldDef, ObjectDef] | None:
        """The reference field behind a relationship name, in any case, and where it points.

        A reference to several objects is taken to the first of them.
        """
        wanted = relationship.lower()
        for one in parent_of.fields.values():
            if one.relationship_name is not None and one.relationship_name.lower() == wanted:
                target = self.object(one.reference_to[0])
                return None if target is None else (one, target)
        return None
