"""The reduced schema: whole in itself, and the service's own wherever they can be compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    build_schema,
    introspection_types,
    parse,
    validate,
    validate_schema,
)

from syncflow_dagster.sandbox.monday.columns import CODECS
from syncflow_dagster.sandbox.monday.schema import executable_schema, sdl

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "reference" / "monday-2026-10.graphql"

MUTATIONS = {
    "create_group",
    "update_group",
    "archive_group",
    "delete_group",
    "create_item",
    "create_subitem",
    "change_multiple_column_values",
    "change_simple_column_value",
    "change_column_value",
    "move_item_to_group",
    "archive_item",
    "delete_item",
    "create_or_get_tag",
    "create_board",
    "create_column",
    "delete_column",
    "create_update",
    "edit_update",
    "delete_update",
    "create_webhook",
    "delete_webhook",
    "ingest_items",
    "backfill_items",
    "complexity",
}
QUERIES = {
    "boards",
    "items",
    "next_items_page",
    "items_page_by_column_values",
    "complexity",
    "version",
    "versions",
    "me",
    "account",
    "platform_api",
    "tags",
    "webhooks",
    "fetch_job_status",
}
DOCUMENTS = [
    (
        "mutation ($v: JSON) {complexity {before query after reset_in_x_seconds} "
        'a: create_item(board_id: 1, group_id: "g", item_name: "n", column_values: $v, '
        "create_labels_if_missing: true) {id name} "
        'b: create_item(board_id: "1", item_name: "n") {id}}'
    ),
    (
        'mutation {create_subitem(parent_item_id: 1, item_name: "n", column_values: "{}") '
        "{id board {id} parent_item {id}}}"
    ),
    (
        "mutation ($v: JSON!) {change_multiple_column_values(board_id: 1, item_id: 2, "
        "column_values: $v) {id updated_at}}"
    ),
    (
        "query ($k: CompareValue!) {boards(ids: [1], limit: 1) {items_page(limit: 500, "
        'query_params: {rules: [{column_id: "record_uuid", compare_value: $k, operator: any_of}]}) '
        '{cursor items {id column_values(ids: ["record_uuid"]) {id type text value '
        "... on StatusValue {index label}}}}}}"
    ),
    (
        "{boards {id name state items_count items_limit hierarchy_type groups {id title position "
        "archived} columns {id title type settings settings_str revision archived}}}"
    ),
    (
        'mutation {ingest_items(board_id: 1, group_id: "g", on_match: {match_column_id: "key", '
        "behaviour: UPSERT}) {job_id upload_url}}"
    ),
    (
        'query {fetch_job_status(job_id: "j") {... on ItemsJobStatus {status counts {submitted '
        "invalid skipped created updated failed} progress_percentage failure_reason "
        "failure_message fully_imported report_created report_url}}}"
    ),
]


def ours():
    return build_schema(sdl())


def own_types(schema):
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if name not in introspection_types
        and name not in ("String", "Int", "Float", "Boolean", "ID")
    }


def test_schema_is_valid_and_has_the_operations():
    schema = ours()
    assert validate_schema(schema) == []
    assert set(schema.mutation_type.fields) == MUTATIONS
    assert set(schema.query_type.fields) == QUERIES


@pytest.mark.parametrize("document", DOCUMENTS)
def test_usual_documents_are_valid(document):
    assert validate(ours(), parse(document)) == []


def test_every_root_field_has_a_resolver_and_every_cell_field_too():
    schema = executable_schema()
    cells = schema.get_possible_types(schema.type_map["ColumnValue"])
    for kind in (schema.query_type, schema.mutation_type, *cells):
        assert [name for name, field in kind.fields.items() if field.resolve is None] == []


def test_column_types_are_the_schema_s():
    schema = ours()
    kinds = schema.type_map["ColumnType"]
    cells = {kind.name for kind in schema.get_possible_types(schema.type_map["ColumnValue"])}
    for name, codec in CODECS.items():
        assert name in kinds.values
        assert codec.graphql_type in cells


def differences(schema, published):
    """Everything in `schema` that `published` does not have in the same form."""
    for name, kind in own_types(schema).items():
        other = published.type_map.get(name)
        if type(other) is not type(kind):
            yield f"{name}: {type(other).__name__} there"
        elif isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value in set(kind.values) - set(other.values))
        elif isinstance(kind, GraphQLUnionType):
            there = {one.name for one in other.types}
            yield from (f"{name}: {one}" for one in kind.types if one.name not in there)
        elif not isinstance(kind, GraphQLScalarType):
            yield from field_differences(name, kind, other)


def field_differences(name, kind, other):
    if isinstance(kind, GraphQLObjectType):
        implemented = {one.name for one in other.interfaces}
        yield from (f"{name}: {one}" for one in kind.interfaces if one.name not in implemented)
    for field_name, field in kind.fields.items():
        there = other.fields.get(field_name)
        if there is None or str(there.type) != str(field.type):
            yield f"{name}.{field_name}: {there and there.type} there"
        elif isinstance(kind, GraphQLInputObjectType):
            if field.default_value != there.default_value:
                yield f"{name}.{field_name}: default"
        else:
            yield from argument_differences(f"{name}.{field_name}", field, there)


def argument_differences(place, field, there):
    for name, argument in field.args.items():
        other = there.args.get(name)
        if other is None or str(other.type) != str(argument.type):
            yield f"{place}({name}): {other and other.type} there"
        elif other.default_value != argument.default_value:
            yield f"{place}({name}): default {other.default_value} there"
    required = {n for n, a in there.args.items() if str(a.type).endswith("!")}
    missing = required - set(field.args)
    yield from (f"{place}({name}): required there" for name in missing)


def published_schemas():
    """The published schema, where it lies beside the project."""
    found = [PUBLISHED.read_text("utf-8")] if PUBLISHED.exists() else []
    return [build_schema(text) for text in found]


def test_schema_says_what_the_published_one_says():
    assert list(differences(ours(), ours())) == []
    for published in published_schemas():
        assert list(differences(ours(), published)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("item_name: String!", "item_name: String"),
        ("limit: Int! = 25", "limit: Int! = 50"),
        ("type Tag {", "type Tag {\n  invented: Int"),
        ("  any_of", "  any_of\n  invented"),
        ("id: ID!", "id: ID"),
        ("union JobStatus = ItemsJobStatus", "union JobStatus = ItemsJobStatus | Tag"),
    ],
)
def test_the_comparison_sees_a_difference(before, after):
    changed = sdl().replace(before, after)
    assert changed != sdl()
    assert list(differences(build_schema(changed, assume_valid=True), ours()))
