"""Rows of an org by ids, and the records that became others: merged away, or converted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.record_ids import long_id
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.asking import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.core.soql.schema import Schema
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

    Row = Mapping[str, Any]

#: Ids in one query: its address stays far below the org's 16,000 characters.
_MOST_IDS = 300
#: The object whose records leave what they became, the field that tells, and the object of that.
_BECAME = (
    ("Contact", "MasterRecordId", "Contact"),
    ("Account", "MasterRecordId", "Account"),
    ("Lead", "MasterRecordId", "Lead"),
    ("Lead", "ConvertedContactId", "Contact"),
)


def rows_by_ids(
    client: SalesforceClient,
    fields: Sequence[str],
    name: str,
    key: str,
    ids: Sequence[str],
    *,
    deleted: bool = False,
) -> Iterator[Row]:
    """Ask for rows by ids, which are letters and digits only.

    Args:
        client: The org.
        fields: What is selected.
        name: Object.
        key: Field that holds one of the ids.
        ids: The ids, any number.
        deleted: Whether rows in the bin are among them.

    Raises:
        SourceUnavailableError: The org does not answer; or one of its kinds.
        QueryFailedError: It refuses.
    """
    what = f"the query of {name} for consent"
    path = "queryAll" if deleted else "query"
    for start in range(0, len(ids), _MOST_IDS):
        listed = ",".join(f"'{one}'" for one in ids[start : start + _MOST_IDS])
        selected = ", ".join(dict.fromkeys(fields))
        soql = f"SELECT {selected} FROM {name} WHERE {key} IN ({listed})"  # noqa: S608 - SOQL
        body = ask(client, path, what, params={"q": soql}).body
        yield from _rows_of(body, what)
        while not body["done"]:
            body = ask(client, str(body.get("nextRecordsUrl")), what).body
            yield from _rows_of(body, what)


def former_records(
    client: SalesforceClient, describes: Schema, object_name: str, ids: Sequence[str]
) -> dict[str, tuple[str, ...]] | None:
    """Return the records that were merged into some records, or converted to them.

    What was merged into a record that was merged itself is among it. The org tells as long as it
    keeps deleted records: those in the bin, and those emptied from it that are not purged yet.

    Args:
        client: The org.
        describes: Its objects as the connected user sees them; a field that is not shown is not
            asked for.
        object_name: API name of the records' object.
        ids: Their ids, of 18 characters.

    Returns:
        Ids by id of the record they became; None if the org refuses the question.

    Raises:
        SourceUnavailableError: The org does not answer; or one of its kinds.
    """
    origin = {(object_name.lower(), one): one for one in ids}
    found: dict[str, list[str]] = defaultdict(list)
    new = dict(origin)
    while new:
        asked, new = new, {}
        try:
            for name, key, one in _became(client, describes, asked):
                if (name, one) not in origin:
                    new[name, one] = key
                    found[key].append(one)
        except QueryFailedError:
            return None
        origin |= new
    return {one: tuple(each) for one, each in found.items()}


def _became(
    client: SalesforceClient, describes: Schema, asked: Mapping[tuple[str, str], str]
) -> Iterator[tuple[str, str, str]]:
    """Give object and id of each record that became one of some, between them whose it is."""
    for name, field, became in _BECAME:
        ids = [one for owner, one in asked if owner == became.lower()]
        described = describes.object(name) if ids else None
        if described is None or described.field(field) is None:
            continue
        for row in rows_by_ids(client, ["Id", field], name, field, ids, deleted=True):
            whose = asked[became.lower(), long_id(row[field])]
            yield name.lower(), whose, long_id(row["Id"])


def _rows_of(body: Any, what: str) -> list[Row]:
    if not isinstance(body, dict) or "done" not in body or "records" not in body:
        msg = f"{what}: Salesforce answers without 'records'"
        raise QueryFailedError(msg)
    rows: list[Row] = body["records"]
    return rows
