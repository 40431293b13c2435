"""A small org and short ways to ask it, for the tests of the sandbox's SOQL."""

from __future__ import annotations

from datetime import UTC, datetime

from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.ids import make_id
from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef, Schema

NOW = datetime(2024, 5, 15, 10, 30, tzinfo=UTC)  # a Wednesday


def _object(name, prefix, *fields, **more):
    own = [FieldDef("Id", "id", "ID", 18, nillable=False), FieldDef("Name", "string", "Name", 80)]
    return ObjectDef(name, name, prefix, {one.name: one for one in (*own, *fields)}, **more)


def _reference(name, target, relationship):
    return FieldDef(name, "reference", name, reference_to=(target,), relationship_name=relationship)


SCHEMA = Schema(
    [
        _object(
            "Account",
            "001",
            _reference("ParentId", "Account", "Parent"),
            _reference("OwnerId", "User", "Owner"),
            FieldDef("Active__c", "boolean", "Active"),
        ),
        _object("User", "005", FieldDef("Email", "email", "Email", 80)),
        _object("Secret", "0xx", queryable=False),
        _object(
            "Contact",
            "003",
            _reference("AccountId", "Account", "Account"),
            FieldDef("Email", "email", "Email", 80),
            FieldDef("Code__c", "string", "Code", 20, case_sensitive=True, unique=True),
            FieldDef("Notes__c", "textarea", "Notes", 32_000, filterable=False, sortable=False),
            FieldDef("Status__c", "picklist", "Status", picklist=("New", "Active", "Gone")),
            FieldDef("Tags__c", "multipicklist", "Tags", sortable=False, groupable=False),
            FieldDef("Flag__c", "boolean", "Flag", nillable=False),
            FieldDef("Visits__c", "int", "Visits"),
            FieldDef("Score__c", "double", "Score", groupable=False),
            FieldDef("Amount__c", "currency", "Amount"),
            FieldDef("Born__c", "date", "Born"),
            FieldDef("Alarm__c", "time", "Alarm"),
            FieldDef("CreatedDate", "datetime", "Created"),
            FieldDef("Street", "textarea", "Street", compound="Address__c"),
            FieldDef("Address__c", "address", "Address"),
        ),
    ]
)


def record_id(prefix, number):
    return make_id(prefix, number)


def contact(number, **values):
    return {"Id": record_id("003", number), "Name": f"Contact {number}", **values}


def account(number, **values):
    return {"Id": record_id("001", number), "Name": f"Account {number}", **values}


def checked(query, hidden=()):
    return soql.check(soql.parse(query), SCHEMA, lambda *one: ".".join(one) in hidden)


def answer(query, contacts=(), accounts=(), users=(), **setting):
    """The answer's rows, or the number for `SELECT COUNT()`."""
    tables = {"Contact": contacts, "Account": accounts, "User": users}
    by_id = {(name, one["Id"]): one for name, rows in tables.items() for one in rows}
    plan = checked(query)
    ask = soql.count if plan.counts else soql.run
    found = ask(plan, tables.get, lambda *key: by_id.get(key), **{"now": NOW, **setting})
    return found if plan.counts else list(found)


def passing(condition, values, field="Name", **setting):
    """Which values of a field of contacts pass a condition."""
    contacts = [contact(n, **{field: value}) for n, value in enumerate(values)]
    query = f"SELECT Id, {field} FROM Contact WHERE {condition}"
    return [row[field] for row in answer(query, contacts, **setting)]


def refusal(query, hidden=()):
    """The error a query is refused with."""
    try:
        checked(query, hidden)
    except soql.SoqlError as error:
        return error
    raise AssertionError(f"not refused: {query}")
