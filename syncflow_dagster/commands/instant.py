"""Moments as they stand on a command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click

#: Years in which a workflow file may name a day.
_YEARS = range(1970, 2201)


class Instant(click.ParamType[datetime]):
    """A date-time as ISO 8601 has it; one without an offset is in UTC."""

    name = "ISO"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it; what is a date-time already stays.

        Raises:
            click.BadParameter: It is none, or of another age.
        """
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-03-29T00:00 (UTC) or …+01:00", param, ctx)
        if at.year not in _YEARS:
            self.fail(f"{value!r} is not between {_YEARS[0]} and {_YEARS[-1]}", param, ctx)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
