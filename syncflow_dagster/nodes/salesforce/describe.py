"""What the org tells of its objects and fields, read once in a run."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncflow_dagster.nodes.salesforce.answers import Answer
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

_API_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


class Describes:
    """The org's objects as the connected user sees them: fields hidden from it are not there.

    Kept for the life of this object. Satisfies `core.soql.schema.Schema`; safe for threads.

    Args:
        client: Where to ask.
    """

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._objects: dict[str, ObjectInfo | None] = {}
        self._names: tuple[str, ...] | None = None

    def object(self, name: str) -> ObjectInfo | None:
        """Return the object of that name in any case; None if the user can see none.

        Raises:
            SourceUnavailableError: The org does not answer.
            QueryFailedError: It refuses, or answers something else.
        """
        key = name.lower()
        with self._lock:
            if key not in self._objects:
                self._objects[key] = self._described(name)
            return self._objects[key]

    def names(self) -> Iterable[str]:
        """Return the API names of all objects the user can see.

        Raises:
            SourceUnavailableError: The org does not answer.
            QueryFailedError: It refuses, or answers something else.
        """
        with self._lock:
            if self._names is None:
                what = "the list of objects"
                listed = _member(ask(self._client, "sobjects", what), "sobjects", what)
                self._names = tuple(str(one["name"]) for one in listed)
            return self._names

    def _described(self, name: str) -> ObjectInfo | None:
        if not _API_NAME.fullmatch(name):
            return None
        what = f"the description of {name}"
        try:
            answer = ask(self._client, resource("sobjects", name, "describe"), what)
        except NotThere:
            return None
        return object_of(answer.body, _member(answer, "fields", what))


def object_of(body: Mapping[str, Any], fields: list[dict[str, Any]]) -> ObjectInfo:
    """Read a describe.

    Args:
        body: The answer's object.
        fields: Its `fields`.
    """
    return ObjectInfo(
        name=str(body["name"]),
        fields=tuple(field_of(one) for one in fields),
        label=str(body.get("label") or ""),
        key_prefix=body.get("keyPrefix"),
        custom=bool(body.get("custom")),
        queryable=bool(body.get("queryable", True)),
        createable=bool(body.get("createable", True)),
        updateable=bool(body.get("updateable", True)),
    )


def field_of(given: Mapping[str, Any]) -> FieldInfo:
    """Read one field of a describe."""
    name = str(given["name"])
    compound = given.get("compoundFieldName")
    values = given.get("picklistValues") or ()
    return FieldInfo(
        name=name,
        type=str(given["type"]),
        label=str(given.get("label") or ""),
        length=int(given.get("length") or 0),
        digits=int(given.get("digits") or 0),
        precision=int(given.get("precision") or 0),
        scale=int(given.get("scale") or 0),
        nillable=bool(given.get("nillable", True)),
        defaulted_on_create=bool(given.get("defaultedOnCreate")),
        createable=bool(given.get("createable")),
        updateable=bool(given.get("updateable")),
        filterable=bool(given.get("filterable")),
        sortable=bool(given.get("sortable")),
        calculated=bool(given.get("calculated")),
        external_id=bool(given.get("externalId")),
        unique=bool(given.get("unique")),
        case_sensitive=bool(given.get("caseSensitive")),
        reference_to=tuple(map(str, given.get("referenceTo") or ())),
        relationship_name=given.get("relationshipName"),
        compound=compound if compound != name else None,
        picklist=tuple(str(one["value"]) for one in values if one.get("active", True)),
        restricted=bool(given.get("restrictedPicklist")),
    )


def _member(answer: Answer, name: str, what: str) -> list[dict[str, Any]]:
    found = answer.body.get(name) if isinstance(answer.body, dict) else None
    if not isinstance(found, list):
        msg = f"{what}: Salesforce answers without {name!r}"
        raise QueryFailedError(msg)
    return found
