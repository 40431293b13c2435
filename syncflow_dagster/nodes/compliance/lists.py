"""Suppression lists and erasure requests: who may not be written about, as keyed hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from syncflow_dagster.core.consent.identifiers import Kind, all_of, comparable
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.store.database import Database

#: The list that counts in every policy.
ALWAYS = "do_not_contact"


class NotAnIdentifier(ValueError):
    """A text that is no e-mail address, number, id, profile or domain; it says which."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One thing a person is known by.

    Attributes:
        kind: What sort it is.
        value: As it was given.
    """

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in our lists.

    Attributes:
        lists: Suppression lists with a valid entry.
        erased: Whether an erasure was requested.
    """

    lists: tuple[str, ...] = ()
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Who enters something, why, and when.

    Attributes:
        actor: Name of the person.
        reason: Why, in his words.
        at: Database time.
    """

    actor: str
    reason: str
    at: datetime


class Lists:
    """The lists in the database.

    Args:
        database: A migrated database.
        key: Makes the hashes.
    """

    def __init__(self, database: Database, key: PrivacyKey) -> None:
        self._database = database
        self._key = key
        self._statements = load("suppression")

    def hashes(self, identifiers: Iterable[Identifier]) -> dict[bytes, Kind]:
        """Return the keyed hashes of identifiers; what is none has no hash."""
        hashed = ((self._key.hash(one.kind, one.value), one.kind) for one in identifiers)
        return {digest: kind for digest, kind in hashed if digest is not None}

    def checked(self, identifiers: Iterable[Identifier]) -> dict[bytes, Kind]:
        """Return the keyed hashes of identifiers.

        Raises:
            NotAnIdentifier: One of them is none of its kind, or several.
        """
        found: dict[bytes, Kind] = {}
        for one in identifiers:
            forms = all_of(one.kind, one.value) or ()
            digest = self._key.hash(one.kind, forms[0]) if len(forms) == 1 else None
            if digest is None:
                what = "several; give each by itself" if forms else f"no usable {one.kind}"
                msg = f"{one.value!r} is {what}"
                raise NotAnIdentifier(msg)
            found[digest] = one.kind
        return found

    def known_by(self, record_ids: Iterable[str]) -> dict[str, list[Identifier]]:
        """Return what each record's person is known by: the record itself, and what persons told.

        Somebody who is listed under an old address stays listed under a new one.

        Args:
            record_ids: Ids of records; identity nodes may know their persons.
        """
        known = {one: [Identifier(Kind.RECORD, one)] for one in record_ids}
        ids = {one: comparable(Kind.RECORD, one) for one in known}
        told: dict[str | None, list[Identifier]] = {}
        given = {"record_ids": list({one for one in ids.values() if one is not None})}
        for row in self._database.fetch_all(self._statements["known_by"], given):
            found = Identifier(Kind(row["kind"]), row["value"])
            told.setdefault(row["record_id"], []).append(found)
        return {one: [*itself, *told.get(ids[one], ())] for one, itself in known.items()}

    def standing(
        self,
        lists: Iterable[str],
        people: Sequence[Iterable[Identifier]],
        conn: psycopg.Connection[DictRow] | None = None,
    ) -> list[Standing]:
        """Return where each of some persons stands, by all that each is known by.

        Args:
            lists: Names of the lists that count beside `do_not_contact`.
            people: The identifiers of each.
            conn: A transaction to ask in; left out: one of its own.
        """
        of_each = [self.hashes(one) for one in people]
        asked = {digest for one in of_each for digest in one}
        given = {"hashes": list(asked), "lists": sorted({ALWAYS, *lists})}
        rows = self._listed(given, conn) if asked else []
        found: dict[bytes, list[str | None]] = {}
        for row in rows:
            found.setdefault(bytes(row["hash"]), []).append(row["list"])
        result = []
        for hashes in of_each:
            names = [name for digest in hashes for name in found.get(digest, ())]
            on = tuple(sorted({name for name in names if name is not None}))
            result.append(Standing(on, erased=None in names))
        return result

    def _listed(
        self, given: dict[str, Any], conn: psycopg.Connection[DictRow] | None
    ) -> list[DictRow]:
        statement = self._statements["listed"]
        if conn is None:
            return self._database.fetch_all(statement, given)
        return conn.execute(statement, given).fetchall()

    def enter(
        self,
        name: str,
        identifiers: Iterable[Identifier],
        action: Literal["add", "revoke"],
        by: Entry,
        conn: psycopg.Connection[DictRow] | None = None,
    ) -> int:
        """Enter persons into a list, or that their entry no longer holds.

        Args:
            name: The list.
            identifiers: What they are known by.
            action: What is entered.
            by: Who wants it, and why.
            conn: A transaction to enter it in; left out: one of its own.

        Returns:
            How many entries were made.

        Raises:
            NotAnIdentifier: One of them is none of its kind; nothing is entered.
        """
        hashes = self.checked(identifiers)
        values = {
            "list": name,
            "action": action,
            "actor": by.actor,
            "reason": by.reason,
            "now": by.at,
            "hashes": list(hashes),
            "kinds": [str(kind) for kind in hashes.values()],
        }
        if conn is not None:
            return conn.execute(self._statements["enter"], values).rowcount
        return self._database.execute(self._statements["enter"], values)

    def entries(
        self, name: str | None, identifiers: Iterable[Identifier] | None, limit: int
    ) -> list[DictRow]:
        """Return entries, the latest first, and the `total`.

        Args:
            name: Only those of this list.
            identifiers: Only those of a person known by these.
            limit: At most so many.

        Raises:
            NotAnIdentifier: One of them is none of its kind.
        """
        hashes = None if identifiers is None else list(self.checked(identifiers))
        values = {"list": name, "hashes": hashes, "limit": limit}
        return self._database.fetch_all(self._statements["entries"], values)
