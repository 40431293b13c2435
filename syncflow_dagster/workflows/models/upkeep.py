"""What keeps a workflow small and watched: how long history is kept, and what counts as stuck."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from syncflow_dagster.core.states import DeltaState, EffectState
from syncflow_dagster.workflows.models.common import Model, Text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Retention(Model):
    """How long history is kept, and what becomes of it then."""

    delta_days: int = Field(
        90,
        ge=1,
        description="Days for which a delta row is kept after a newer one of the same record has "
        "arrived in its place; for run summaries, days since the run.",
    )
    attempts_days: int = Field(
        30, ge=1, description="Days for which attempts are kept after their effect has ended."
    )
    action: Literal["archive", "delete"] = Field(
        "archive",
        description="Whether old delta rows and their effects move to archive tables, or go.",
    )
    cron: Text = Field("17 3 * * *", description="When it is done: five cron fields.")
    timezone: Text = Field("UTC", description="IANA time zone the cron is read in.")
    enabled: bool = Field(True, description="Whether its schedule starts switched on.")


class StuckAfter(Model):
    """Hours for which a change may stay in one state before somebody should look."""

    pending_h: float = Field(1, gt=0, description="PENDING rows: no push has taken them up.")
    pushing_h: float = Field(
        6, gt=0, description="Rows and effects that are under way, or wait for another try."
    )
    waiting_h: float = Field(
        24, gt=0, description="WAITING rows and effects: something they hang on is not there."
    )
    unknown_h: float = Field(1, gt=0, description="UNKNOWN effects: did it happen?")
    needs_person_h: float = Field(
        1, gt=0, description="NEEDS_PERSON effects: nobody has decided yet."
    )
    held_h: float = Field(
        72, gt=0, description="HELD rows: nobody has answered a question or approved a plan yet."
    )

    @property
    def of_rows(self) -> Mapping[str, timedelta]:
        """How long a delta row may stay in each state that has a limit."""
        under_way = timedelta(hours=self.pushing_h)
        return {
            DeltaState.PENDING: timedelta(hours=self.pending_h),
            DeltaState.PUSHING: under_way,
            DeltaState.FAILED: under_way,
            DeltaState.WAITING: timedelta(hours=self.waiting_h),
            DeltaState.HELD: timedelta(hours=self.held_h),
        }

    @property
    def of_effects(self) -> Mapping[str, timedelta]:
        """How long an effect may stay in each state that has a limit."""
        under_way = timedelta(hours=self.pushing_h)
        return {
            EffectState.PLANNED: under_way,
            EffectState.CLAIMED: under_way,
            EffectState.SENT: under_way,
            EffectState.RETRY: under_way,
            EffectState.WAITING: timedelta(hours=self.waiting_h),
            EffectState.UNKNOWN: timedelta(hours=self.unknown_h),
            EffectState.NEEDS_PERSON: timedelta(hours=self.needs_person_h),
        }
