"""What differs between an approved plan and the same plan computed once more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.tag.cells import normal
from syncflow_dagster.nodes.tag.plan_report import size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.nodes.tag.lines import Line


def differences(stored: Sequence[Mapping[str, Any]], computed: Sequence[Line]) -> list[str]:
    """Return a sentence for each line that differs, without values; at least one in any case.

    Args:
        stored: The lines of the approved plan.
        computed: The lines as they would be now.
    """
    ours = {line.effect_key: line for line in computed}
    theirs = {str(line["effect_key"]): line for line in stored}
    told = [
        f"record {line['record_id']} ({line['store']}) needs no change, or has changed"
        for key, line in theirs.items()
        if key not in ours
    ]
    told += [
        f"record {line.place.record_id} ({line.place.store}) would be changed too"
        for key, line in ours.items()
        if key not in theirs
    ]
    for key in sorted(ours.keys() & theirs.keys()):
        line, was = ours[key], theirs[key]
        for name, value, old in (
            ("shows another", line.before, was["before"]),
            ("would get another", line.after, was["after"]),
        ):
            told += [
                f"record {line.place.record_id} {name} {cell}: {size(value.get(cell))}, "
                f"{size(old.get(cell))} then"
                for cell in sorted({*value, *old})
                if normal(value.get(cell)) != normal(old.get(cell))
            ]
    more = "what is written along with it, its rules, the object or the org is not as approved"
    return told or [more]
