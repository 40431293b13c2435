"""Nodes that read from Salesforce: what can be told of them without asking the org."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import date_literals, operators, paths, raw
from syncflow_dagster.workflows.models.salesforce import GROUPS
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_INSTEAD_OF_SOQL = ("object", "fields", "where")
_DELETED = "IsDeleted"
_BY_VERSION = frozenset({"rowversion", "auto"})
#: Fields that tell when a record changed, the best first: `LastModifiedDate` misses what the system
#: does, and the others tell only of new records. Which of them an object has, the org alone knows.
STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
#: Those that no change of a record moves.
UNCHANGING = frozenset({"CreatedDate", "LoginTime"})


def queries(graph: Graph) -> Iterator[Finding]:
    """Report pull nodes that name an object and a query, or neither, or what is no name."""
    for node in graph.of_type("salesforce_pull"):
        soql, owner, fields = node["soql"], node["object"], node["fields"]
        if soql.exists:
            for key in _INSTEAD_OF_SOQL:
                if node[key].exists:
                    message = f"{key!r} means nothing beside 'soql', which is the whole query"
                    yield Finding(node[key].loc, message, "remove one of the two", at_key=True)
            yield from _bad_query(soql)
        elif not owner.exists:
            message = "names no object to read"
            yield Finding(node.loc, message, "add 'object' and 'fields', or a whole query: 'soql'")
        elif not fields.items():
            message = "names no fields to read"
            yield Finding(node.loc, message, "list them under 'fields', for example [Id, Email]")
        for view in (owner, *fields.texts()):
            if view.text is not None and _NAME.fullmatch(view.text) is None:
                hint = "for example Email, Invoice__c or Account.Name"
                yield Finding(view.loc, f"{view.text!r} is no API name", hint)
        yield from _twice(fields.texts())


def conditions(graph: Graph) -> Iterator[Finding]:
    """Report conditions that lack a value or have one too many, and misspelt date literals."""
    for node in graph.of_type("salesforce_pull"):
        yield from _conditions(node["where"])
    for node in graph.of_type("tag"):
        for rule in node["rules"].items():
            yield from _conditions(rule["when"])


def markers(graph: Graph) -> Iterator[Finding]:
    """Report markers of deleted rows that are no boolean field, or are missing."""
    for delta in graph.of_type("delta"):
        marker = delta["deletes"]["marker"]
        yield from graph.unknown_field(delta, marker)
        rule = (graph.fields(delta) or {}).get(marker.text or "")
        kind = field_type(rule) if rule is not None else None
        if kind not in {None, "boolean"}:
            message = f"{marker.text!r} is {kind}, but a row is marked as deleted or it is not"
            yield Finding(marker.loc, message, "name a field of type: boolean")
        source = graph.node(delta["source"].text, "salesforce_pull")
        if source is None or source["with_deleted"].data is not True or marker.exists:
            continue
        # A field that tells is enough where merged records are to be followed, not deleted.
        read = [view.text for one in delta["fields"].items() for view in _columns_read(one)]
        if _DELETED in read:
            continue
        message = f"{source['name'].text!r} reads deleted records too, and nothing tells them apart"
        hint = f"add a boolean field with column: {_DELETED}, and deletes: {{marker: its name}}"
        yield Finding(delta["source"].loc, message, hint)


def columns(graph: Graph) -> Iterator[Finding]:
    """Report columns a delta node reads that its Salesforce pull node does not give."""
    for delta in graph.of_type("delta"):
        source = graph.node(delta["source"].text, "salesforce_pull")
        given = _given(source) if source is not None else None
        if not given:
            continue
        unpivot = delta["unpivot"]
        made = {unpivot["name_to"].text, unpivot["value_to"].text}
        views = [view for rule in delta["fields"].items() for view in _columns_read(rule)]
        for view in [*views, *unpivot["columns"].texts()]:
            if view.text is not None and view.text not in {*given, *made}:
                message = f"the pull node {delta['source'].text!r} gives no {view.text!r}"
                hint = paths.near(view.text, given) or "add it to the fields of the pull node"
                yield Finding(view.loc, message, hint)


def stamps(graph: Graph) -> Iterator[Finding]:
    """Report reads of changes by a column that does not grow with every change at Salesforce."""
    for delta in graph.of_type("delta"):
        source = graph.node(delta["source"].text, "salesforce_pull")
        detection = delta["detection"]
        version = detection["rowversion"]
        rule = (graph.fields(delta) or {}).get(version.text or "")
        if source is None or rule is None or detection["strategy"].text not in _BY_VERSION:
            continue
        column = rule["column"].text or rule["name"].text or ""
        if column not in STAMPS:
            message = f"{version.text!r} reads {column!r}, which does not grow with every change"
            hint = f"name a field whose column is {STAMPS[0]}; an object without it may have "
            hint += ", ".join(STAMPS[1:])
            yield Finding(version.loc, message, hint)


def _bad_query(soql: View) -> Iterator[Finding]:
    if soql.text is None:
        return
    try:
        names = raw.parse(soql.text).fields
    except raw.RawQueryError as error:
        yield Finding(soql.loc, f"the query {error}", error.hint)
        return
    lower = [name.lower() for name in names]
    for name in dict.fromkeys(names):
        if lower.count(name.lower()) > 1:
            yield Finding(soql.loc, f"the query selects {name!r} twice", "list it once")
            return


def _twice(fields: list[View]) -> Iterator[Finding]:
    seen: set[str] = set()
    for view in fields:
        name = str(view.text).lower()
        if name in seen:
            message = f"the field {view.text!r} is there twice; case makes no difference"
            yield Finding(view.loc, message, "list it once")
        seen.add(name)


def _conditions(part: View) -> Iterator[Finding]:
    group = next((key for key in GROUPS if part[key].exists), None)
    if group is not None:
        for entry in part[group].items():
            yield from _conditions(entry)
        return
    attribute, operator, value = part["attribute"], part["operator"].text, part["value"]
    if attribute.text is not None and _NAME.fullmatch(attribute.text) is None:
        message = f"{attribute.text!r} is no name of a field"
        yield Finding(attribute.loc, message, "for example Email or Account.Name")
    if operator is None or operator not in operators.RELATIONS:
        return  # the models tell that
    yield from _values(operator, value, part)
    if part["null_matches"].exists and operator not in operators.NEGATIVE:
        message = f"'null_matches' means nothing for {operator}, which no empty field meets"
        hint = f"remove it, or use it with: {', '.join(sorted(operators.NEGATIVE))}"
        yield Finding(part["null_matches"].loc, message, hint, at_key=True)


def _values(operator: str, value: View, part: View) -> Iterator[Finding]:
    is_list = isinstance(value.data, list)
    if operator in operators.UNARY:
        if value.exists:
            yield Finding(value.loc, f"{operator} takes no value", "remove it", at_key=True)
    elif not value.exists:
        hint = "add 'value'; for empty fields use operator: is_null"
        yield Finding(part.loc, f"{operator} needs a value", hint)
    elif operator in operators.LISTED and not is_list:
        yield Finding(value.loc, f"{operator} needs a list of values", f"write [{value.data}]")
    elif is_list and operator not in operators.LISTED:
        hint = "use operator: in" if operator == "equals" else "write one condition for each"
        yield Finding(value.loc, f"{operator} takes one value", hint)
    for view in value.items() if is_list else [value]:
        if is_list and not view.exists:
            message = "an empty value in a list equals nothing"
            hint = "remove it, and add a condition with operator: is_null to an 'any' group"
            yield Finding(view.loc, message, hint)
        elif view.text is not None:
            yield from _bad_literal(view, view.text)


def _bad_literal(view: View, text: str) -> Iterator[Finding]:
    """Report what can only be meant as a date literal, and is none."""
    name, colon, _ = text.partition(":")
    known = name in {*date_literals.PLAIN, *date_literals.COUNTED}
    meant = paths.near(name, date_literals.COUNTED) if colon and name.isupper() else ""
    if not known and not (meant and date_literals.looks_like(text)):
        return
    try:
        date_literals.parse(text)
    except ValueError as error:
        yield Finding(view.loc, str(error), "" if known else meant)


def _given(source: View) -> list[str] | None:
    """Return the columns a pull node gives, where they can be told."""
    soql = source["soql"].text
    if soql is None:
        return [str(view.text) for view in source["fields"].texts()]
    try:
        return list(raw.parse(soql).fields)
    except raw.RawQueryError:
        return None


def _columns_read(rule: View) -> list[View]:
    """Return the columns a field reads, where each is named; those in expressions are left out."""
    transform = rule["transform"]
    if transform["columns"].exists:
        return transform["columns"].texts()
    if transform["type"].text in {"constant", "expression"}:
        return []
    return [rule["column"] if rule["column"].exists else rule["name"]]


RULES = (queries, conditions, markers, columns, stamps)
