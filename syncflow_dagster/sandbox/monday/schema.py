"""The executable schema: the SDL of `schema.graphql` with resolvers for every field."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    StringValueNode,
    ValueNode,
    build_schema,
)

from syncflow_dagster.sandbox.monday import fields, ingest_fields, webhook_fields
from syncflow_dagster.sandbox.monday.errors import bad_item, field_limit_error, unauthorized
from syncflow_dagster.sandbox.monday.model import ACCOUNT_ID, ACCOUNT_NAME, USERS, Board, Item
from syncflow_dagster.sandbox.monday.versions import CURRENT, VERSIONS

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.context import Context

Resolver = Callable[..., Any]


def sdl() -> str:
    """The schema's text."""
    return files(__package__).joinpath("schema.graphql").read_text("utf-8")


def executable_schema(version: str = CURRENT) -> GraphQLSchema:
    """The schema of an API version with its resolvers; built once per process."""
    return _executable(bulk=version >= ingest_fields.SINCE)


@cache
def _executable(*, bulk: bool) -> GraphQLSchema:
    schema = build_schema(sdl())
    json_type = schema.type_map["JSON"]
    assert isinstance(json_type, GraphQLScalarType)
    json_type.parse_value = _json_value  # type: ignore[method-assign]
    json_type.parse_literal = _json_literal  # type: ignore[method-assign, assignment]
    _attach(schema, "Query", {n: _guarded(r) for n, r in _QUERIES.items()})
    _attach(schema, "Mutation", {n: _guarded(r) for n, r in _MUTATIONS.items()})
    for type_name, resolvers in {**fields.RESOLVERS, **ingest_fields.RESOLVERS}.items():
        _attach(schema, type_name, resolvers)
    for cell_type in schema.get_possible_types(_interface(schema)):
        for name, resolver in fields.cell_resolvers(cell_type).items():
            cell_type.fields[name].resolve = resolver
    _interface(schema).resolve_type = fields.cell_type_name
    status = schema.type_map["JobStatus"]
    assert isinstance(status, GraphQLUnionType)
    status.resolve_type = lambda *_: ingest_fields.STATUS_TYPE
    if not bulk:
        _without_bulk(schema)
    return schema


def _without_bulk(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    del schema.query_type.fields[ingest_fields.QUERY]
    for name in ingest_fields.STARTS:
        del schema.mutation_type.fields[name]


def _interface(schema: GraphQLSchema) -> Any:
    return schema.type_map["ColumnValue"]


def _attach(schema: GraphQLSchema, type_name: str, resolvers: Mapping[str, Resolver]) -> None:
    graphql_type = schema.type_map[type_name]
    assert isinstance(graphql_type, GraphQLObjectType)
    for name, resolver in resolvers.items():
        graphql_type.fields[name].resolve = resolver


def _json_value(value: Any) -> Any:
    """JSON input is a string that holds JSON; nothing else is taken."""
    try:
        if isinstance(value, str):
            return json.loads(value)
    except json.JSONDecodeError:
        pass
    raise GraphQLError("Syntax error in JSON input")


def _json_literal(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> Any:
    return _json_value(node.value if isinstance(node, StringValueNode) else None)


def _guarded(resolver: Resolver) -> Resolver:
    """Let a fault fail the root field before anything happens."""

    def resolve(_root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        context: Context = info.context
        failure = context.failing.get(str(info.path.key))
        if failure is not None:
            raise failure
        return resolver(context, **arguments)

    return resolve


def _writer(operation: str) -> Resolver:
    return _permitted(lambda context, **given: getattr(context.writer, operation)(**given))


def _permitted(resolver: Resolver) -> Resolver:
    """Refuse a caller who may only read."""

    def resolve(context: Context, **arguments: Any) -> Any:
        if context.access == "view":
            raise unauthorized()
        return resolver(context, **arguments)

    return resolve


def _reader(operation: str) -> Resolver:
    return lambda context, **arguments: getattr(context.reader, operation)(**arguments)


def _change_multiple(
    context: Context,
    board_id: str,
    column_values: Any,
    item_id: str | None = None,
    create_labels_if_missing: bool | None = None,
) -> Item:
    return context.writer.change_values(
        "change_multiple_column_values", board_id, item_id, column_values, create_labels_if_missing
    )


def _change_one(
    context: Context,
    board_id: str,
    column_id: str,
    value: Any,
    item_id: str | None = None,
    create_labels_if_missing: bool | None = None,
) -> Item:
    if item_id is None:
        raise bad_item(item_id)
    given = {column_id: value}
    return context.writer.change_values(
        "change_column_value", board_id, item_id, given, create_labels_if_missing
    )


def _create_board(context: Context, **arguments: Any) -> Board:
    """`create_board` has a limit of its own, 40 a minute."""
    now = context.clock.limit_time()
    boards = context.limits.boards
    if boards.left(now) == 0:
        wait = context.clock.client_seconds(boards.resets_in(now))
        raise field_limit_error("FIELD_MINUTE_RATE_LIMIT_EXCEEDED", wait)
    boards.spend(1, now)
    return context.writer.create_board(**arguments)


def _by_column_values(
    context: Context,
    board_id: str,
    limit: int,
    columns: Any = None,
    cursor: str | None = None,
) -> Any:
    return context.reader.by_column_values(board_id, columns, cursor, limit)


def _next_page(context: Context, cursor: str, limit: int) -> Any:
    return context.reader.next_page(cursor, limit)


def _account(context: Context) -> dict[str, Any]:
    plan = context.limits.plan.name
    return {"id": str(ACCOUNT_ID), "name": ACCOUNT_NAME, "slug": "syncflow-sandbox", "tier": plan}


def _me(context: Context) -> dict[str, Any]:
    user = USERS["1001"]
    account = _account(context)
    return {"id": user.id, "name": user.name, "email": user.email, "account": account}


def _platform_api(context: Context) -> dict[str, Any]:
    calls = context.limits.plan.calls_per_day
    today = context.clock.wall()
    used = math.ceil(context.limits.calls_today())
    by_day = [{"day": today.strftime("%Y-%m-%d"), "usage": used}]
    analytics = {"last_updated": today.strftime("%Y-%m-%dT%H:%M:%SZ"), "by_day": by_day}
    return {"daily_limit": {"base": calls, "total": calls}, "daily_analytics": analytics}


def _tags(context: Context, ids: list[str] | None = None) -> list[Any]:
    tags = context.writer.state.tags.values()
    return [tag for tag in tags if ids is None or str(tag.id) in ids]


def _complexity(context: Context) -> dict[str, Any]:
    return context.complexity()


_QUERIES: Mapping[str, Resolver] = {
    "boards": _reader("boards"),
    "items": _reader("items"),
    "next_items_page": _next_page,
    "items_page_by_column_values": _by_column_values,
    "complexity": _complexity,
    "version": lambda context: context.version,
    "versions": lambda _context: VERSIONS,
    "me": _me,
    "account": _account,
    "platform_api": _platform_api,
    "tags": _tags,
    "fetch_job_status": ingest_fields.fetch_job_status,
    "webhooks": webhook_fields.webhooks,
}
_MUTATIONS: Mapping[str, Resolver] = {
    name: _writer(name)
    for name in (
        "create_group",
        "update_group",
        "archive_group",
        "delete_group",
        "create_item",
        "create_subitem",
        "move_item_to_group",
        "archive_item",
        "delete_item",
        "create_or_get_tag",
        "create_column",
        "delete_column",
        "create_update",
        "edit_update",
        "delete_update",
    )
} | {
    "change_multiple_column_values": _permitted(_change_multiple),
    "change_simple_column_value": _writer("change_simple"),
    "change_column_value": _permitted(_change_one),
    "create_board": _permitted(_create_board),
    "ingest_items": _permitted(ingest_fields.ingest_items),
    "backfill_items": _permitted(ingest_fields.backfill_items),
    "create_webhook": _permitted(webhook_fields.create_webhook),
    "delete_webhook": _permitted(webhook_fields.delete_webhook),
    "complexity": _complexity,
}
