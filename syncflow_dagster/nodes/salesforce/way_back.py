"""The way back: values of fields written to the object's fields they would be read from.

The declaration is that of reading. A field's column says where its values belong, and a lookup
whose table is one-to-one is read from right to left. What a constant, joined texts, an expression
or a function have made cannot be taken apart again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.salesforce.fields import is_text, unfit_value
from syncflow_dagster.workflows.models.delta import LookupTransform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.core.soql.where import Path
    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule


class NoWayBackError(ValueError):
    """A value that a lookup would never give; the text says so, without the value."""


@dataclass(frozen=True)
class WayBack:
    """How the values of a field get to a record.

    Attributes:
        rule: The field of the mapping: its column is the object's field.
        given: The field of the rows, of the same name: what its values are like.
        path: The object's field.
        loc: Where the file asks for it to be written.
        given_loc: Where `given` stands.
    """

    rule: FieldRule
    given: FieldRule
    path: Path
    loc: Loc = field(compare=False)
    given_loc: Loc = field(compare=False)

    @property
    def info(self) -> FieldInfo:
        """The object's field, as describe tells it."""
        return self.path.field

    @property
    def blocked(self) -> str | None:
        """Why the object does not take its values; None where it does."""
        if self.path.parent is not None:
            return f"{self.path.text} is the parent's"
        if self.info.updateable and not self.info.calculated:
            return None
        why = "is calculated" if self.info.calculated else "cannot be changed by the user"
        return f"{self.info.name} {why}"

    @property
    def null_is_empty(self) -> bool:
        """Whether no value means an empty field, and not a text that its lookup does not list."""
        lookup = self.rule.transform
        return not (isinstance(lookup, LookupTransform) and lookup.otherwise == "null")

    @cached_property
    def _table(self) -> Mapping[str, str] | None:
        return _inverted(self.rule)

    def value(self, given: Any) -> Any:
        """Return what belongs in the record for a value of a row; None for None.

        Raises:
            NoWayBackError: Its lookup would never give this value.
        """
        lookup = self.rule.transform
        if given is None or not isinstance(lookup, LookupTransform):
            return given
        table = self._table or {}
        if given in table:
            return table[given]
        if lookup.otherwise == "keep" and given not in lookup.values:
            return given
        msg = f"the lookup of {self.rule.name} gives no such text"
        raise NoWayBackError(msg)


def no_way_back(delta: DeltaNode, rule: FieldRule) -> str | None:
    """Return why a field's values cannot be told back, whatever the object; None where they can.

    Args:
        delta: The node that declares the field.
        rule: The field.
    """
    transform = rule.transform
    if transform is not None and not isinstance(transform, LookupTransform):
        return f"{rule.name!r} is made by a transform ({transform.type}), which has no way back"
    if delta.unpivot and rule.source_column in {delta.unpivot.name_to, delta.unpivot.value_to}:
        return f"{rule.name!r} is made by unpivot, which has no way back"
    if transform is not None and rule.type != "text":
        return f"the lookup of {rule.name!r} makes no texts, and has no way back"
    if transform is not None and _inverted(rule) is None:
        return f"the lookup of {rule.name!r} gives one text for several, and has no way back"
    return None


def _inverted(rule: FieldRule) -> dict[str, str] | None:
    """Return a lookup's table from right to left; None where a text stands there twice."""
    import polars as pl

    from syncflow_dagster.core.normalise.strings import normalise

    if not isinstance(rule.transform, LookupTransform):
        return {}
    # What stands in a row is the table's text as the field settles it.
    texts = pl.Series(list(rule.transform.values.values()), dtype=pl.String)
    settled = normalise(texts, rule.whitespace, rule.case, rule.empty).values.to_list()
    if None in settled or len(set(settled)) < len(settled):
        return None
    return dict(zip(settled, rule.transform.values, strict=True))


def check_writing(
    ways: Iterable[WayBack], *, named: bool = False, clears: bool = False
) -> Iterator[Mistake]:
    """Report fields whose values the object does not take, or not all of them.

    Args:
        ways: The fields to write.
        named: Whether the file names them: then one that cannot be written is wrong; else it is
            left out, with a warning.
        clears: Whether an empty value empties the record's field.
    """
    taken: dict[str, str] = {}
    for way in ways:
        if way.blocked is not None:
            yield not_written(way.loc, way.blocked, named=named)
            continue
        first = taken.setdefault(way.info.name, way.rule.name)
        if first != way.rule.name:
            message = f"{way.info.name} is written from {first!r} already"
            yield Mistake(way.loc, "written_twice", message, "name one of them under 'only'")
        if isinstance(way.rule.transform, LookupTransform):
            yield from _unfit_lookup(way, way.rule.transform)
        else:
            yield from unfit_value(way.given, way.info, way.given_loc)
        if clears:
            yield from _unfit_nulls(way)


def not_written(loc: Loc, reason: str, *, named: bool) -> Mistake:
    """Return the mistake of a field that cannot be written.

    Args:
        loc: Where the file asks for it.
        reason: Why it cannot.
        named: Whether the file names it; else it is left out, with a warning.
    """
    hint = "take it out of 'only'" if named else "name the fields to write under 'only'"
    return Mistake(loc, "not_writable", f"is not written: {reason}", hint, warning=not named)


def _unfit_lookup(way: WayBack, lookup: LookupTransform) -> Iterator[Mistake]:
    info = way.info
    if not is_text(info):
        yield Mistake(way.loc, "wrong_type", f"{info.name} is {info.type}, and takes no texts")
        return
    unlisted = [one for one in lookup.values if one not in info.picklist]
    if info.restricted and info.picklist and unlisted:
        message = f"{info.name} takes no {unlisted[0]!r}, only: {', '.join(info.picklist)}"
        yield Mistake(way.loc, "restricted_picklist", message, "mend the lookup", warning=True)


def _unfit_nulls(way: WayBack) -> Iterator[Mistake]:
    info = way.info
    if not (info.nillable or info.type == "boolean" or way.given.required):
        message = f"{info.name} may not be empty, and {way.given.name!r} may"
        hint = "add required: true: Salesforce refuses the record"
        yield Mistake(way.given_loc, "required_field", message, hint, warning=True)
    if not way.null_is_empty:
        message = f"{info.name} is never emptied: no {way.rule.name!r} may be a text not listed"
        hint = "use otherwise: keep or reject, if it shall be"
        yield Mistake(way.loc, "null_is_no_value", message, hint, warning=True)
