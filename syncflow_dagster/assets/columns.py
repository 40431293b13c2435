"""Column schemas: what an asset's rows hold, for people who read the catalogue."""

import dagster as dg

from syncflow_dagster.workflows.models import (
    LINKING_TYPES,
    DeltaNode,
    FieldRule,
    ItemMapping,
    MondayPushNode,
)

_KEY = "dagster/column_schema"


def of_pull(node: DeltaNode) -> dict[str, dg.TableSchema]:
    """Return the columns a delta reads of its pull's rows."""
    unpivot = node.unpivot
    made = {unpivot.name_to, unpivot.value_to} if unpivot else set()
    columns = {
        rule.source_column: dg.TableColumn(
            rule.source_column, "as the source has it", f"becomes {rule.name}"
        )
        for rule in node.fields
        if rule.source_column not in made and rule.transform is None
    }
    for rule in node.fields:
        for name in _transformed(rule):
            columns.setdefault(
                name, dg.TableColumn(name, "as the source has it", f"part of {rule.name}")
            )
    if unpivot:
        for name in unpivot.columns:
            label = unpivot.labels.get(name, name)
            columns[name] = dg.TableColumn(
                name,
                "as the source has it",
                f"a row with {unpivot.name_to} = {label} where it holds a value",
            )
    return {_KEY: dg.TableSchema(list(columns.values()))}


def of_delta(node: DeltaNode) -> dict[str, dg.TableSchema]:
    """Return the fields of a delta node's records."""
    columns = [
        dg.TableColumn(
            rule.name,
            _type(rule),
            _description(rule),
            dg.TableColumnConstraints(nullable=not rule.required, unique=node.key == [rule.name]),
            tags={"key": ""} if rule.name in node.key else {},
        )
        for rule in node.fields
    ]
    return {_KEY: dg.TableSchema(columns)}


def of_values(mapping: ItemMapping, source: DeltaNode) -> dict[str, dg.TableSchema]:
    """Return the board's columns that items or subitems are written to."""
    columns = [
        dg.TableColumn("name", "name", f"made from {mapping.name}"),
        dg.TableColumn(
            mapping.key_column,
            "text",
            "the record's id here: how the item is found again",
            dg.TableColumnConstraints(nullable=False, unique=True),
        ),
    ]
    columns += [
        dg.TableColumn(one.column, one.type, _from(source, one.field))
        for one in mapping.columns
        if one.type not in LINKING_TYPES
    ]
    return {_KEY: dg.TableSchema(columns)}


def of_statuses(node: MondayPushNode, sources: dict[str, DeltaNode]) -> dict[str, dg.TableSchema]:
    """Return what the last pass writes: the board's status columns, and those that link items."""
    mappings = [("items", node.items), ("subitems", node.subitems)]
    columns = [
        dg.TableColumn(one.column, one.type, f"{what}: {_from(sources[mapping.source], one.field)}")
        for what, mapping in mappings
        if mapping is not None
        for one in mapping.columns
        if one.type in LINKING_TYPES
    ]
    columns += [
        dg.TableColumn(
            status.column,
            "status",
            f"{what}: {_from(sources[mapping.source], status.field)}",
            dg.TableColumnConstraints(other=[", ".join(status.labels.values())])
            if status.labels
            else None,
        )
        for what, mapping in mappings
        if mapping is not None
        for status in mapping.statuses
    ]
    return {_KEY: dg.TableSchema(columns)}


def _transformed(rule: FieldRule) -> list[str]:
    made = rule.transform
    if made is None or made.type == "constant":
        return []
    if made.type in {"concat", "python"}:
        return list(made.columns)
    if made.type == "expression":
        from syncflow_dagster.core.normalise import expression

        return list(expression.parse(made.sql).columns)
    return [rule.source_column]


def _type(rule: FieldRule) -> str:
    if rule.type == "decimal":
        return f"decimal, {rule.scale} digits"
    return f"text, {rule.max_length} at most" if rule.max_length else rule.type


def _description(rule: FieldRule) -> str | None:
    notes = [rule.description] if rule.description else [_origin(rule)]
    if not rule.compared:
        notes.append("A change of it alone is no change of the record.")
    return " ".join(filter(None, notes)) or None


def _origin(rule: FieldRule) -> str:
    """Say where a field comes from, where nobody described it."""
    made = rule.transform
    if made is None:
        return f"From {rule.source_column}." if rule.source_column != rule.name else ""
    if made.type == "constant":
        return f"Always {made.value}."
    if made.type == "concat":
        return f"From {', '.join(made.columns)}, joined."
    if made.type == "python":
        return f"From {', '.join(made.columns)}, by {made.function}."
    if made.type == "expression":
        return f"Computed: {made.sql}."
    return f"From {rule.source_column}, translated: {', '.join(made.values.values())}."


def _from(source: DeltaNode, name: str) -> str:
    described = source.field(name).description
    return f"{name}: {described}" if described else name
