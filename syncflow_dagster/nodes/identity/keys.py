"""Keys by which the persons a record may be are found in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.companies import company_key
from syncflow_dagster.core.matching.people import IDENTIFIERS, Kind, looked_up, name_and

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncflow_dagster.core.matching.people import Key, Record

#: Kinds of keys that persons are found by.
FOUND_BY = frozenset({*IDENTIFIERS, Kind.NAME, Kind.NAME_AND})


def close_keys(record: Record) -> Iterator[Key]:
    """Return a record's name with its mailbox and with its company, each as one key.

    Of a shared mailbox, or of a name alone, there may be more persons than are looked at: who has
    both is found by these.
    """
    names = sorted(record.name.keys)
    if record.email is not None:
        yield from name_and(names, [(Kind.EMAIL, record.email)])
    company = company_key(record.company)
    if company is not None:
        yield from ((Kind.NAME_AND, f"{name} + company {company}") for name in names)


def search_keys(record: Record, *, by_name: bool = True) -> list[Key]:
    """Return all keys that persons a record may be can have, each once.

    Args:
        record: The record.
        by_name: Whether the name alone is one of them.
    """
    return sorted({*looked_up(record, by_name=by_name), *close_keys(record)})


def as_texts(keys: Iterable[Key]) -> list[str]:
    """Return keys as open questions keep them."""
    return sorted({f"{kind} {value}" for kind, value in keys if kind in FOUND_BY})
