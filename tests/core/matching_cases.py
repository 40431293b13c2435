"""Records of people that the tests of matching share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from syncflow_dagster.core.matching.decide import Decider
from syncflow_dagster.core.matching.people import Record, normalised
from syncflow_dagster.core.matching.registry import Registry

SHARED = ("info", "sales")
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def record(record_id, name="Ann Lee", *, year=None, **said):
    first, _, last = name.rpartition(" ")
    created = None if year is None else BEGIN + timedelta(days=365 * year)
    one = Record(record_id, first or None, last, created=created, **said)
    return normalised(one, SHARED)


def decider(rulings=None):
    return Decider(Registry(), "flow/node", rulings or {})


def taken(records, *, first_load=False, rulings=None):
    """Take records in their order; return who decides and what was decided."""
    one = decider(rulings)
    return one, [one.take(each, str(n), first_load=first_load) for n, each in enumerate(records)]


def people(one):
    """Return who has which records."""
    return {frozenset(person.records) for person in one.registry.persons.values()}
