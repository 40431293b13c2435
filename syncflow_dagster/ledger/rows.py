"""Planned effects and verdicts as the rows that statements of the ledger take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from syncflow_dagster.core.states import EffectState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.ledger.ports import PlannedEffect
    from syncflow_dagster.ledger.verdicts import Verdict

#: What of a planned effect is written as it is.
_PLANNED = (
    "effect_key",
    "kind",
    "pass_number",
    "object_key",
    "generation",
    "parent_key",
    "creates",
    "delta_table",
    "delta_id",
    "customer",
    "lead_id",
)
#: What of a verdict is written as it is.
_VERDICT = (
    "effect_id",
    "state",
    "outcome",
    "reason",
    "remote_id",
    "counts",
    "same_key",
    "doubted",
    "no_job",
)


def planned(effects: Sequence[PlannedEffect]) -> Jsonb:
    """Return planned effects as the rows of a statement, each with its first state."""
    return Jsonb(
        [
            {
                **{name: getattr(one, name) for name in _PLANNED},
                "payload": dict(one.payload),
                "state": _first_state(one),
                "reason": one.refused or one.question,
            }
            for one in effects
        ]
    )


def told(verdicts: Sequence[Verdict], request_ids: Mapping[int, UUID]) -> Jsonb:
    """Return verdicts as the rows of a statement."""
    return Jsonb(
        [
            {
                **{name: getattr(one, name) for name in _VERDICT},
                "payload": None if one.payload is None else dict(one.payload),
                "not_before": None if one.not_before is None else f"{one.not_before}",
                "request_id": f"{request_ids[one.effect_id]}",
            }
            for one in verdicts
        ]
    )


def _first_state(effect: PlannedEffect) -> EffectState:
    if effect.refused:
        return EffectState.DEAD
    return EffectState.NEEDS_PERSON if effect.question else EffectState.PLANNED
