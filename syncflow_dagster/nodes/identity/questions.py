"""Questions about records that wait; what they are about never changes under who answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.matching.ranking import likeness
from syncflow_dagster.core.matching.tiers import Tier
from syncflow_dagster.nodes.identity.keys import as_texts, search_keys
from syncflow_dagster.nodes.identity.report import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.rows import DictRow

    from syncflow_dagster.core.matching.decide import Decision
    from syncflow_dagster.core.matching.people import Record
    from syncflow_dagster.core.matching.registry import Registry
    from syncflow_dagster.nodes.identity.storage import Store

_QUESTIONS = {
    Tier.IDENTIFIER: "is known as one person and has an identifier of another",
    Tier.CORROBORATED: "is known as one person and looks like another",
    Tier.NAME: "may have the name of a known person, and too little tells that it is the same",
    Tier.SEVERAL: "may be several known persons",
    Tier.SHARED: "has what a known person has, but not surely the name, or others have it too",
}
_CROWDED = "; there may be more persons of that name or mailbox than are shown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits for an answer.

    Attributes:
        delta_id: Number of the delta row.
        record: What it says.
        decision: What is asked.
    """

    delta_id: int
    record: Record
    decision: Decision


def ask(
    store: Store, table: str, registry: Registry, waiting: Sequence[Waiting]
) -> dict[int, Question]:
    """Open questions; those that are open already, about the same, stay as they are.

    Args:
        store: The node's tables.
        table: The delta table of the records.
        registry: The persons.
        waiting: The records.

    Returns:
        The question of each delta row.
    """
    if not waiting:
        return {}
    ids = [one.record.record_id for one in waiting]
    is_open = {row["record_id"]: row for row in store.ask("open_cases", record_ids=ids)}
    asked: dict[int, Question] = {}
    for one in waiting:
        whose = _candidates(one, registry)
        reason = _reason(one, store)
        head = {
            "delta_table": table,
            "delta_id": one.delta_id,
            "tier": _tier(one),
            "reason": reason,
        }
        record_id = one.record.record_id
        case_id = _still(is_open.get(record_id), head, whose)
        if case_id is None:
            store.run("overtake_cases", record_ids=[record_id])
            case_id = _opened(store, one.record, head, whose)
        asked[one.delta_id] = Question(case_id, record_id, _tier(one), reason, len(whose))
    return asked


def _still(case: DictRow | None, head: dict[str, Any], whose: list[dict[str, Any]]) -> int | None:
    """Return the number of the open question if it is the same one."""
    if case is None or any(case[name] != value for name, value in head.items()):
        return None
    shown = [[one["person_id"], one["tier"], one["evidence"]] for one in whose]
    return int(case["case_id"]) if case["candidates"] == shown else None


def _opened(store: Store, record: Record, head: dict[str, Any], whose: list[dict[str, Any]]) -> int:
    keys = as_texts(search_keys(record))
    (case,) = store.ask("ask", record_id=record.record_id, keys=keys, **head)
    store.run("ask_about", case_id=case["case_id"], candidates=Jsonb(whose))
    return int(case["case_id"])


def _candidates(one: Waiting, registry: Registry) -> list[dict[str, Any]]:
    # Some of them may have become one since, in the same batch.
    absorbed = registry.changes.absorbed
    whose = {absorbed.get(each.person_id, each.person_id): each for each in one.decision.matches}
    return [
        {
            "person_id": str(person_id),
            "likeness": likeness(one.record, registry.persons[person_id]),
            "tier": int(match.tier),
            "evidence": list(match.evidence),
        }
        for person_id, match in sorted(whose.items())
    ]


def _tier(one: Waiting) -> int:
    assert one.decision.tier is not None
    return int(one.decision.tier)


def _reason(one: Waiting, store: Store) -> str:
    more = store.crowded.intersection(search_keys(one.record))
    return _QUESTIONS[Tier(_tier(one))] + (_CROWDED if more else "")
