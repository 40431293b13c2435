"""Triggers: what makes a workflow run, and when it may."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from syncflow_dagster.workflows.models.common import Model, Slug, Text


class TimeTrigger(Model):
    """What all triggers have that go by the clock."""

    name: Slug = Field("schedule", description="Name of the schedule, unique in the workflow.")
    timezone: Text = Field("UTC", description="IANA time zone its times are read in.")
    enabled: bool = Field(True, description="Whether the schedule starts switched on.")
    missed: Literal["skip", "latest", "all"] = Field(
        "latest",
        description="What becomes of due times at which nothing could start, because nobody was "
        "there to start it: none is made up for, the latest is, or all are, one after the other. "
        "Nothing that was to be read is left out: the next run reads on from where the last ended.",
    )
    missed_most: int = Field(
        24, ge=1, le=1000, description="Runs `missed: all` makes up for at most, the latest ones."
    )
    late_after_s: int = Field(
        300,
        ge=0,
        le=366 * 24 * 3600,
        description="Seconds after which a due time that was not served is missed.",
    )
    calendar: Slug | None = Field(
        None,
        description="One of `calendars`, which tells business days from days off. A phrase that "
        "names business days takes Monday to Friday without one.",
    )
    only: Literal["business_days", "days_off"] | None = Field(
        None, description="Days of the calendar on which it fires; none: all days."
    )
    otherwise: Literal["skip", "next", "previous"] = Field(
        "skip",
        description="What becomes of a due time on another day: left out, or moved to the same "
        "time of the next or previous day of `only`.",
    )
    excluding: tuple[date, ...] = Field((), description="Days on which it does not fire.")


class CronTrigger(TimeTrigger):
    """Runs the whole workflow at the times of cron expressions."""

    type: Literal["cron"] = Field(description="A trigger at fixed times.")
    cron: Text | tuple[Text, ...] = Field(
        description="Five cron fields, for example `*/15 7-19 * * 1-5`; or a list of such."
    )


class IntervalTrigger(TimeTrigger):
    """Runs the whole workflow every so often, counted from an anchor."""

    type: Literal["interval"] = Field(description="A trigger every so often.")
    every: Text = Field(
        description="A number and a unit: `90 minutes`, `5 hours`, `10 days`, `2 weeks`, "
        "`3 months`. Minutes and hours are counted as they pass; days, weeks and months by the "
        "calendar, at the anchor's time of day."
    )
    anchor: datetime = Field(
        description="A time at which it fires, by the clock of the time zone, such as "
        "`2026-01-05T09:00`; all others are counted from it. It fires from then on."
    )


class PhraseTrigger(TimeTrigger):
    """Runs the whole workflow at times said in words."""

    type: Literal["phrase"] = Field(description="A trigger at times said in words.")
    when: Text = Field(
        description="Such as `every Monday at 12 PM`, `weekdays at 7 and 19` or `last Friday of "
        "the month at 09:30`."
    )


class DatesTrigger(TimeTrigger):
    """Runs the whole workflow on days that are listed."""

    type: Literal["dates"] = Field(description="A trigger on listed days.")
    dates: tuple[date, ...] = Field(min_length=1, description="The days.")
    at: tuple[Text, ...] = Field(
        min_length=1, description="Times of day: `7`, `09:30`, `7:30pm`, `noon`."
    )


class AfterTrigger(Model):
    """Runs the whole workflow after another one has run, once for each of its runs."""

    type: Literal["after"] = Field(description="A trigger on the end of another workflow's run.")
    name: Slug = Field("after", description="Name of the trigger, unique in the workflow.")
    workflow: Slug = Field(description="The other workflow.")
    result: Literal["success", "failure", "any"] = Field(
        "success", description="How its run must have ended."
    )
    enabled: bool = Field(True, description="Whether the trigger is heeded.")
    missed: Literal["skip", "latest", "all"] = Field(
        "all",
        description="What becomes of the other's runs after which nothing could start in time, "
        "because this workflow takes longer or nobody was there to start it: none is followed, "
        "the latest is, or all are, one after the other. Nothing that was to be read is left out.",
    )
    late_after_s: int = Field(
        300,
        ge=0,
        le=366 * 24 * 3600,
        description="Seconds after which a run that was not followed is missed.",
    )


class PendingRowsTrigger(Model):
    """Starts the push as soon as delta rows wait for it."""

    type: Literal["pending_rows"] = Field(description="A trigger on waiting delta rows.")
    enabled: bool = Field(True, description="Whether the sensor serves this workflow.")


AnyTimeTrigger = CronTrigger | IntervalTrigger | PhraseTrigger | DatesTrigger
Trigger = Annotated[AnyTimeTrigger | AfterTrigger | PendingRowsTrigger, Field(discriminator="type")]


class Calendar(Model):
    """Which days are business days."""

    country: Text | None = Field(
        None, description="Country whose public holidays are days off: two letters, such as `DE`."
    )
    subdivision: Text | None = Field(
        None, description="State or province of the country, such as `BE`."
    )
    weekend: tuple[Text, ...] = Field(
        ("saturday", "sunday"), description="Days of the week that are days off."
    )
    days_off: tuple[date, ...] = Field((), description="Further days off.")
    business_days: tuple[date, ...] = Field(
        (), description="Days that are business days whatever the rest says."
    )


class Windows(Model):
    """When a workflow may be at work; at a window's end it stops between two records."""

    timezone: Text = Field("UTC", description="IANA time zone the times are read in.")
    open: tuple[Text, ...] = Field(
        min_length=1,
        description="Such as `19:00-07:00 on weekdays` or `08:00-20:00 on saturday`; one that ends "
        "on the next day belongs to the day it begins on.",
    )
    calendar: Slug | None = Field(
        None, description="One of `calendars`; on its days off no window opens."
    )


class Turns(Model):
    """Whose turn it is when several want to work at once."""

    priority: Literal["urgent", "normal", "low"] = Field(
        "normal", description="Urgent work comes before all other, low after it."
    )
    share: int = Field(
        1,
        ge=1,
        le=100,
        description="Weight of the workflow's owner among owners; of several the largest counts.",
    )
    turn_s: int = Field(
        300,
        ge=10,
        description="Seconds after which a push that others wait for leaves them its place, "
        "between two records; it goes on in its next turn.",
    )
