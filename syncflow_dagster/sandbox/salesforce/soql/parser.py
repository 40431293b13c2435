"""Reads a query: recursive descent over the tokens, no more than Salesforce's own parser takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.soql.conditions import where
from syncflow_dagster.sandbox.salesforce.soql.cursor import Cursor
from syncflow_dagster.sandbox.salesforce.soql.errors import NotInSandboxError, SoqlError
from syncflow_dagster.sandbox.salesforce.soql.tree import ChildQuery, Name, Order, Query, Selected

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Condition

# Documented in the limits for SOQL; the words of this refusal are not.
MOST_CHARACTERS = 100_000


def parse(text: str) -> Query:
    """Reads a query.

    Args:
        text: The SOQL.

    Raises:
        SoqlError: Salesforce's grammar refuses it (`MALFORMED_QUERY`).
        NotInSandboxError: The grammar takes it, but the sandbox cannot answer it.
    """
    if not text.strip():
        raise SoqlError("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if len(text) > MOST_CHARACTERS:
        message = f"SOQL statements cannot be longer than {MOST_CHARACTERS} characters."
        raise SoqlError("MALFORMED_QUERY", message)
    cursor = Cursor(text)
    query = _query(cursor)
    if cursor.token.kind != "end":
        raise cursor.unexpected()
    return query


def semi_join(cursor: Cursor) -> Query:
    """Reads the query within `IN (...)`: one field, FROM and WHERE, no more.

    Raises:
        SoqlError: It is anything else.
    """
    cursor.expect("SELECT")
    select = (Selected(cursor.field()),)
    source, alias = _from(cursor)
    condition = _where(cursor)
    return Query(cursor.query, select, source, alias, condition)


def _query(cursor: Cursor) -> Query:
    cursor.expect("SELECT")
    select = () if cursor.took("COUNT", "(", ")") else _select(cursor)
    source, alias = _from(cursor)
    return Query(
        cursor.query,
        select,
        source,
        alias,
        where=_where(cursor),
        group_by=_group_by(cursor),
        order_by=_order_by(cursor),
        limit=_number_behind(cursor, "LIMIT"),
        offset=_last_clauses(cursor),
    )


def _select(cursor: Cursor) -> tuple[Selected, ...]:
    items = [_selected(cursor)]
    while cursor.took(","):
        items.append(_selected(cursor))
    return tuple(items)


def _selected(cursor: Cursor) -> Selected:
    what: Name | Call | ChildQuery
    if cursor.at("TYPEOF") and cursor.after().kind == "name" and cursor.after().word != "FROM":
        raise NotInSandboxError("TYPEOF")
    if cursor.at("DISTANCE", "("):
        raise NotInSandboxError("DISTANCE")
    if cursor.at("("):
        at = cursor.take().at
        what = ChildQuery(_query(cursor), at)
        cursor.expect(")")
    else:
        what = cursor.field()
    return Selected(what, cursor.name() if cursor.at_name() else None)


def _from(cursor: Cursor) -> tuple[Name, str | None]:
    cursor.expect("FROM")
    source, alias = cursor.name(), None
    cursor.took("AS")
    if cursor.at_name() and not _at_clause(cursor):
        alias = cursor.name().text
    if cursor.at(","):
        raise NotInSandboxError("several objects after FROM")
    if cursor.at("USING"):
        raise NotInSandboxError("USING")
    return source, alias


def _at_clause(cursor: Cursor) -> bool:
    """Whether a word that could be a name begins the next clause."""
    if cursor.at("ORDER", "BY") or cursor.at("GROUP", "BY"):
        return True
    return cursor.at("OFFSET") and cursor.after().text[0] in "0123456789+-:"


def _where(cursor: Cursor) -> Condition | None:
    found = where(cursor) if cursor.took("WHERE") else None
    if cursor.at("WITH"):
        raise NotInSandboxError("WITH")
    return found


def _group_by(cursor: Cursor) -> tuple[Name | Call, ...]:
    if not cursor.took("GROUP", "BY"):
        return ()
    if cursor.at("ROLLUP") or cursor.at("CUBE"):
        raise NotInSandboxError("ROLLUP and CUBE")
    fields = [cursor.field()]
    while cursor.took(","):
        fields.append(cursor.field())
    if cursor.at("HAVING"):
        raise NotInSandboxError("HAVING")
    return tuple(fields)


def _order_by(cursor: Cursor) -> tuple[Order, ...]:
    if not cursor.took("ORDER", "BY"):
        return ()
    items = [_order(cursor)]
    while cursor.took(","):
        items.append(_order(cursor))
    return tuple(items)


def _order(cursor: Cursor) -> Order:
    if cursor.at("DISTANCE", "("):
        raise NotInSandboxError("DISTANCE")
    what = cursor.field()
    descending = cursor.took("DESC")
    if not descending:
        cursor.took("ASC")
    nulls_last = False
    if cursor.took("NULLS"):
        nulls_last = cursor.took("LAST")
        if not nulls_last:
            cursor.expect("FIRST")
    return Order(what, descending, nulls_last)


def _number_behind(cursor: Cursor, word: str) -> int | None:
    if not cursor.took(word):
        return None
    sign = -1 if cursor.took("-") else 1
    if sign == 1:
        cursor.took("+")
    return sign * cursor.integer()


def _last_clauses(cursor: Cursor) -> int | None:
    offset = _number_behind(cursor, "OFFSET")
    # They note down who looked or search statistics; Apex's FOR UPDATE is no part of the API.
    for words in (("FOR", "VIEW"), ("FOR", "REFERENCE"), ("UPDATE",), ("BIND",)):
        if cursor.at(*words):
            raise NotInSandboxError(" ".join(words))
    return offset
