"""The order in which candidates are shown to the person who decides; it decides nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from syncflow_dagster.core.matching.companies import company_key
from syncflow_dagster.core.matching.names import fold

if TYPE_CHECKING:
    from syncflow_dagster.core.matching.people import Person, Record

_NAME, _EMAIL, _COMPANY = 0.5, 0.3, 0.2


def likeness(record: Record, person: Person) -> float:
    """Return how much a record looks like the most similar one of a person, from 0 to 100.

    `rapidfuzz.fuzz.token_sort_ratio` and `ratio`:
    https://rapidfuzz.github.io/RapidFuzz/Usage/fuzz.html
    """
    return max((_alike(record, one) for one in person.records.values()), default=0.0)


def _alike(one: Record, other: Record) -> float:
    names = fuzz.token_sort_ratio(fold(one.name.shown), fold(other.name.shown))
    emails = fuzz.ratio(_local(one), _local(other))
    companies = fuzz.token_sort_ratio(
        company_key(one.company) or "", company_key(other.company) or ""
    )
    return round(_NAME * names + _EMAIL * emails + _COMPANY * companies, 1)


def _local(record: Record) -> str:
    return (record.email or "").partition("@")[0]
