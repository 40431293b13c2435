"""A node's fields, made from a chunk of source rows by the five layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl

from syncflow_dagster.core.normalise import mapping, strings, types
from syncflow_dagster.core.normalise.column import Column, Fault
from syncflow_dagster.core.normalise.datetimes import Clock
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.mapping import Mapper
from syncflow_dagster.nodes.delta.source import DATES, ROW

if TYPE_CHECKING:
    import numpy.typing as npt

    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule

__all__ = ["ROW", "Chunk", "FieldFault", "Normaliser", "parent_rules", "readable_key"]

_COMPARABLE = (
    "type", "scale", "timezone", "ambiguous", "precision", "case", "whitespace", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class FieldFault:
    """A fault and where it was found.

    Attributes:
        field: Field of the node.
        column: Source column, or the field's name where several columns make it.
        fault: The rule and the rows that break it.
    """

    field: str
    column: str
    fault: Fault


@dataclass(frozen=True)
class Chunk:
    """Normalised rows of one chunk; those that break a rule are still among them.

    Attributes:
        raw: The rows as the source gave them, after unpivot.
        fields: One typed column per field.
        parent_key: The parent's key columns as the parent types them; None without a parent.
        faults: In the order of the fields.
        valid: True for rows without a fault.
        key_valid: True for rows whose key has none.
    """

    raw: pl.DataFrame
    fields: pl.DataFrame
    parent_key: pl.DataFrame | None
    faults: list[FieldFault]
    valid: npt.NDArray[np.bool_]
    key_valid: npt.NDArray[np.bool_]


class Normaliser:
    """Turns chunks of source rows into a node's fields.

    Args:
        node: The node.
        parent: Node of the parents, if the node has one: its rules type the parent's key, so
            that both sides' hashes meet.

    Raises:
        DeltaDefinitionError: A zone, function or expression cannot be used, or the keys of child
            and parent do not match.
    """

    def __init__(self, node: DeltaNode, parent: DeltaNode | None) -> None:
        self._node = node
        self._map = Mapper(node)
        self._parent_rules = parent_rules(node, parent)
        parent_fields = [rule for rule, _ in self._parent_rules]
        for rule in [*node.fields, *(rule for _, rule in self._parent_rules)]:
            _check_zone(node, rule)
        # Where records belong to records of their own kind, the topmost belong to none.
        self._needed = {*node.key, *(rule.name for rule in parent_fields if not node.is_own_parent)}

    def __call__(self, raw: pl.DataFrame) -> Chunk:
        """Normalise a chunk.

        Raises:
            MissingColumn: A source column of a field is not there.
            DeltaDefinitionError: A transform cannot be used, whatever the rows hold.
        """
        faults: list[FieldFault] = []
        columns = []
        mapped: dict[str, Column] = {}
        for rule in self._node.fields:
            mapped[rule.name] = self._map(rule, raw)
            column = mapped[rule.name].then(partial(_typed, rule=rule))
            if rule.required or rule.name in self._needed:
                column = _required(column)
            if rule.max_length is not None and rule.type == "text":
                column = _limited(column, rule.max_length)
            columns.append(column.values.alias(rule.name))
            faults += [
                FieldFault(rule.name, each.column or _column_of(rule), each)
                for each in column.faults
            ]
        key_valid = _without(faults, raw.height, set(self._node.key))
        parent_key = self._parent_key(mapped, columns, faults)
        valid = _without(faults, raw.height, None)
        fields = pl.DataFrame(columns)
        given = raw.drop([name for name in raw.columns if name.startswith(DATES)])
        return Chunk(given, fields, parent_key, faults, valid, key_valid)

    def _parent_key(
        self, mapped: dict[str, Column], columns: list[pl.Series], faults: list[FieldFault]
    ) -> pl.DataFrame | None:
        if not self._parent_rules:
            return None
        typed = {column.name: column for column in columns}
        keys = []
        for place, (own, theirs) in enumerate(self._parent_rules):
            values = typed[own.name]
            if not _alike(own, theirs):
                missing = values.is_null()
                column = _required(_typed(mapped[own.name].values, theirs))
                values = column.values
                reason = f"as key of the parent's {theirs.name}: "
                for fault in column.faults:
                    told = Fault("parent_key", reason + fault.reason, fault.rows & ~missing)
                    faults.append(FieldFault(own.name, _column_of(own), told))
            keys.append(values.alias(str(place)))
        return pl.DataFrame(keys)


def readable_key(frame: pl.DataFrame) -> pl.Series:
    """Join key columns to a text such as ``SO-1001 / XL``; a missing part shows as ``?``."""
    parts = [types.to_text(column).values.fill_null("?") for column in frame.get_columns()]
    if len(parts) == 1:
        return parts[0]
    return (
        pl.DataFrame({str(place): part for place, part in enumerate(parts)})
        .select(pl.concat_str(pl.all(), separator=mapping.KEY_SEPARATOR))
        .to_series()
    )


def _typed(values: pl.Series, rule: FieldRule) -> Column:
    clock = Clock(rule.timezone, rule.ambiguous, rule.precision)
    column = types.coerce(values, rule.type, rule.scale, clock)
    if rule.type != "text":
        return column
    return column.then(lambda each: strings.normalise(each, rule.whitespace, rule.case, rule.empty))


def _required(column: Column) -> Column:
    """Reject missing values, but not those an earlier fault took out."""
    after = mapping.require(column.values)
    faults = []
    for fault in after.faults:
        rows = fault.rows
        for earlier in column.faults:
            rows = rows & ~earlier.rows
        if rows.any():
            faults.append(replace(fault, rows=rows))
    return Column(column.values, (*column.faults, *faults))


def _limited(column: Column, longest: int) -> Column:
    return column.then(lambda values: mapping.limit_length(values, longest))


def _without(faults: list[FieldFault], rows: int, fields: set[str] | None) -> npt.NDArray[np.bool_]:
    clean = np.ones(rows, dtype=np.bool_)
    for each in faults:
        if fields is None or each.field in fields:
            clean &= ~each.fault.rows.to_numpy()
    return clean


def _column_of(rule: FieldRule) -> str:
    made = rule.transform is not None and rule.transform.type != "lookup"
    return rule.name if made else rule.source_column


def _alike(own: FieldRule, theirs: FieldRule) -> bool:
    return all(getattr(own, name) == getattr(theirs, name) for name in _COMPARABLE)


def parent_rules(node: DeltaNode, parent: DeltaNode | None) -> list[tuple[FieldRule, FieldRule]]:
    """Return the fields that name a record's parent, each with the parent's rule that types it.

    Raises:
        DeltaDefinitionError: The keys of child and parent do not match.
    """
    if node.parent is None:
        return []
    if parent is None or parent.name != node.parent.node:
        given = "none" if parent is None else parent.name
        msg = f"node {node.name}: its parent is node {node.parent.node}, but {given} was given"
        raise DeltaDefinitionError(msg)
    theirs = _key_rules(parent)
    if len(theirs) != len(node.parent.key):
        msg = (
            f"node {node.name}: parent.key has {len(node.parent.key)} fields, but the key of "
            f"{parent.name} has {len(theirs)}: {', '.join(parent.key)}"
        )
        raise DeltaDefinitionError(msg)
    known = {rule.name: rule for rule in node.fields}
    for name in node.parent.key:
        if name not in known:
            msg = f"node {node.name}: parent.key names the field {name!r}, which it has not"
            raise DeltaDefinitionError(msg)
    return [(known[name], rule) for name, rule in zip(node.parent.key, theirs, strict=True)]


def _key_rules(node: DeltaNode) -> list[FieldRule]:
    try:
        return [node.field(name) for name in node.key]
    except KeyError as error:
        msg = f"node {node.name}: the key names the field {error.args[0]!r}, which it has not"
        raise DeltaDefinitionError(msg) from None


def _check_zone(node: DeltaNode, rule: FieldRule) -> None:
    try:
        ZoneInfo(rule.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        msg = (
            f"node {node.name}: field {rule.name} names the time zone {rule.timezone!r}, which is "
            "not known; right would be an IANA name such as Europe/Berlin"
        )
        raise DeltaDefinitionError(msg) from None
