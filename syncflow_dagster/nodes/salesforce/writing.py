"""Writing up to 200 records in one request, each with a result of its own.

REST API Developer Guide, pages "resources_composite_sobjects_collections_*". Records are changed by
Id, which can make nobody, or made and changed by an external id. Nothing overrides the org's
duplicate rules.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Unknown
from syncflow_dagster.nodes.salesforce.answers import Answer, NoAnswer, errors_of
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import row_outcome, whole_answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

#: Most records of one request.
MOST_RECORDS = 200
_COLLECTIONS = resource("composite", "sobjects")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the records of one request.

    Attributes:
        outcomes: One for each record, in the request's order.
        answer: What came back.
        created: Ids of records that were made, not found, by their place.
        refused_whole: The request was refused as a whole, and none of it applied, without a word
            on which record is at fault: halves of it may be accepted.
    """

    outcomes: Sequence[Outcome]
    answer: Answer | NoAnswer
    created: Mapping[int, str]
    refused_whole: bool = False


def update(client: SalesforceClient, name: str, records: Sequence[Mapping[str, Any]]) -> Written:
    """Change records by their `Id`; None empties a field.

    Args:
        client: Where to write.
        name: API name of their object.
        records: At most 200; each with `Id` and the fields to change.

    Raises:
        ValueError: A record has no Id, or a value is none JSON has.
    """
    body = [{"id": _id(one["Id"]), **_fields(one, without="Id")} for one in records]
    return _send(client, "PATCH", _COLLECTIONS, name, body)


def create(client: SalesforceClient, name: str, records: Sequence[Mapping[str, Any]]) -> Written:
    """Make records. Not to be repeated where no answer came: it would make them twice.

    Args:
        client: Where to write.
        name: API name of their object.
        records: At most 200, by field.

    Raises:
        ValueError: A record has an Id, or a value is none JSON has.
    """
    for one in records:
        _check_no_id(one)
    return _send(client, "POST", _COLLECTIONS, name, [_fields(one) for one in records])


def upsert(
    client: SalesforceClient,
    name: str,
    external_id: str,
    records: Sequence[Mapping[str, Any]],
) -> Written:
    """Make records, or change those that have the same external id.

    Args:
        client: Where to write.
        name: API name of their object.
        external_id: Its external id field, not `Id`: an Id of null would make a record.
        records: At most 200; each with a value for that field.

    Raises:
        ValueError: The field is `Id`, a record has none, or a value is none JSON has.
    """
    if external_id.lower() == "id":
        raise ValueError("records are changed by Id with `update`; an upsert by Id makes new ones")
    for one in records:
        _check_no_id(one)
        if one.get(external_id) in {None, ""}:
            msg = f"a record has no {external_id}: it would be made anew each time"
            raise ValueError(msg)
    path = f"{_COLLECTIONS}/{resource(name, external_id)}"
    return _send(client, "PATCH", path, name, [_fields(one) for one in records])


def delete(client: SalesforceClient, ids: Sequence[str]) -> Written:
    """Put records into the recycle bin.

    Args:
        client: Where to write.
        ids: At most 200.

    Raises:
        ValueError: One is no Id.
    """
    _check_size(ids)
    params = {"ids": ",".join(_id(one) for one in ids), "allOrNone": "false"}
    return _read(client.delete(_COLLECTIONS, params), len(ids))


def json_value(value: Any) -> Any:
    """Return a value as JSON of Salesforce has it.

    Raises:
        ValueError: It has none: a date-time without a zone, an infinity, a list.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value):
        # As a number all the same: Decimal has no JSON, and Salesforce's numbers are doubles.
        return float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, time) and value.tzinfo is None:
        return f"{value.isoformat(timespec='milliseconds')}Z"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    msg = f"a value of type {type(value).__name__} cannot be written to Salesforce"
    raise ValueError(msg)


def _fields(record: Mapping[str, Any], without: str | None = None) -> dict[str, Any]:
    return {name: json_value(value) for name, value in record.items() if name != without}


def _id(given: Any) -> str:
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise ValueError("a record is changed by its Id, of 15 or 18 letters and digits")
    return given


def _check_no_id(record: Mapping[str, Any]) -> None:
    if any(name.lower() == "id" for name in record):
        raise ValueError("a record with an Id is changed with `update`")


def _check_size(records: Sequence[Any]) -> None:
    if not 1 <= len(records) <= MOST_RECORDS:
        msg = f"{len(records)} records in one request; it takes 1 to {MOST_RECORDS}"
        raise ValueError(msg)


def _send(
    client: SalesforceClient, method: str, path: str, name: str, records: list[dict[str, Any]]
) -> Written:
    _check_size(records)
    body = {
        "allOrNone": False,
        "records": [{"attributes": {"type": name}, **one} for one in records],
    }
    return _read(client.request(method, path, body=body), len(records))


def _read(answer: Answer | NoAnswer, records: int) -> Written:
    whole = whole_answer(answer)
    if whole is not None:
        refused = isinstance(whole, Reject) and records > 1
        return Written([whole] * records, answer, {}, refused)
    assert isinstance(answer, Answer)
    items = answer.body
    if not isinstance(items, list) or len(items) != records:
        told = len(items) if isinstance(items, list) else "no"
        unclear = Unknown(f"Salesforce answers {records} records with {told} results")
        return Written([unclear] * records, answer, {})
    created = {
        at: str(item["id"])
        for at, item in enumerate(items)
        if isinstance(item, dict) and item.get("created") and item.get("id")
    }
    return Written([_outcome(item) for item in items], answer, created)


def _outcome(item: Any) -> Outcome:
    if not isinstance(item, dict):
        return Unknown("Salesforce answers a record with something that is no result")
    if item.get("success") is True:
        return Done(remote_id=str(item["id"]) if item.get("id") else None)
    errors = errors_of(item.get("errors"))
    if not errors:
        return Unknown("Salesforce neither confirms a record nor says why not")
    return row_outcome(errors[0])
