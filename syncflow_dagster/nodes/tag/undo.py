"""Taking back what a run has written: the reverse of each change, where it still stands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.tag.cells import Back, Mix
from syncflow_dagster.nodes.tag.lines import Line, differing, place_of
from syncflow_dagster.nodes.tag.wishes import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.nodes.tag.cells import Change, Value
    from syncflow_dagster.nodes.tag.lines import Records
    from syncflow_dagster.nodes.tag.wishes import Place


@dataclass(frozen=True, slots=True)
class Written:
    """An effect that has changed something.

    Attributes:
        effect_key: Its key.
        kind: What it did.
        payload: What it was to do.
        undone: How often somebody planned to take it back.
    """

    effect_key: str
    kind: str
    payload: Mapping[str, Any]
    undone: int = 0


@dataclass(frozen=True, slots=True)
class Reverse:
    """The reverse of an effect.

    Attributes:
        effect_key: Key of the effect that takes it back.
        wishes: What it wants of each cell.
    """

    effect_key: str
    wishes: tuple[Wish, ...]


def reverse(written: Written) -> Reverse:
    """Return what takes an effect back."""
    payload = written.payload
    place = place_of(written.kind, payload)
    rule = "undo of " + ", ".join(payload["rules"])
    wishes = tuple(
        Wish(place, cell, _opposite(payload["before"].get(cell), after), rule)
        for cell, after in payload["after"].items()
    )
    return Reverse(f"{written.effect_key}:undo:{written.undone + 1}", wishes)


def _opposite(before: Value, after: Value) -> Change:
    if isinstance(before, list) or isinstance(after, list):
        old, new = frozenset(before or ()), frozenset(after or ())
        return Mix(add=old - new, remove=new - old)
    return Back(after, before)


def undo_lines(reverses: Sequence[Reverse], records: Records) -> tuple[list[Line], int]:
    """Return the lines of a plan that takes effects back, and how many stand no longer.

    Of several effects of one place the newest is taken back, which comes first.
    """
    lines: list[Line] = []
    seen: set[Place] = set()
    gone = 0
    for one in reverses:
        place = one.wishes[0].place
        if place in seen:
            continue
        seen.add(place)
        shown = records.cells.get(place.record_id)
        changes = {wish.cell: wish.change for wish in one.wishes}
        before, after = differing(shown or {}, changes) if shown is not None else ({}, {})
        if not after:
            gone += 1
            continue
        parent = records.parents.get(place.record_id)
        lines.append(
            Line(one.effect_key, place, (one.wishes[0].rule,), before, after, parent=parent)
        )
    return lines, gone
