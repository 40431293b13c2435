"""Operators of conditions: what each means, and for which types of fields.

Source: Salesforce's own query builder, https://github.com/forcedotcom/soql-tooling, and
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_comparisonoperators.htm
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import patterns
from syncflow_dagster.core.soql.where import Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.core.soql.patterns import Pattern

#: Operators without a value.
UNARY = frozenset({"is_null", "is_not_null"})
#: Operators that take a list of values.
LISTED = frozenset({"in", "not_in", "includes", "excludes"})
#: Operators that are true where a comparison is not; `null_matches` is about them.
NEGATIVE = frozenset({"not_equals", "not_like", "not_in", "excludes"})

RELATIONS: Mapping[str, Relation] = {
    "equals": Relation.EQUAL,
    "not_equals": Relation.EQUAL,
    "less": Relation.LESS,
    "less_or_equal": Relation.LESS_OR_EQUAL,
    "greater": Relation.GREATER,
    "greater_or_equal": Relation.GREATER_OR_EQUAL,
    "like": Relation.LIKE,
    "not_like": Relation.LIKE,
    "starts_with": Relation.LIKE,
    "ends_with": Relation.LIKE,
    "contains": Relation.LIKE,
    "in": Relation.IN,
    "not_in": Relation.IN,
    "includes": Relation.INCLUDES,
    "excludes": Relation.INCLUDES,
    "is_null": Relation.NOTHING,
    "is_not_null": Relation.NOTHING,
}
#: How the text of an operator that compares by a pattern becomes one.
PATTERNS: Mapping[str, Callable[[str], Pattern]] = {
    "like": patterns.parse,
    "not_like": patterns.parse,
    "starts_with": patterns.starting,
    "ends_with": patterns.ending,
    "contains": patterns.holding,
}

_EQUAL = frozenset({"equals", "not_equals"})
_ORDERED = frozenset({"less", "less_or_equal", "greater", "greater_or_equal"})
_IN = frozenset({"in", "not_in"})
_PATTERN = frozenset(PATTERNS)
_PLAIN = _EQUAL | _IN | UNARY
_TEXTS = ["string", "email", "phone", "url", "picklist", "combobox", "textarea", "encryptedstring"]
_NUMBERS_AND_DATES = ["int", "long", "double", "currency", "percent", "date", "datetime", "time"]
#: Operators by type of the field; a type that is not here cannot be compared at all.
ALLOWED: Mapping[str, frozenset[str]] = {
    "boolean": _PLAIN,
    **dict.fromkeys([*_NUMBERS_AND_DATES, "id", "reference"], _PLAIN | _ORDERED),
    **dict.fromkeys(_TEXTS, _PLAIN | _ORDERED | _PATTERN),
    "multipicklist": _EQUAL | UNARY | frozenset({"includes", "excludes"}),
}
