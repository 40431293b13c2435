"""When two people are one to Salesforce's standard matching rule for contacts and leads.

Match keys choose the candidates; the matching equation decides, and each of its clauses needs
something beside the name ("Standard Contact Matching Rule" in the help). The thresholds are those
of a copy from 2016: first name 85, last name 90, company 70, title 50; e-mail exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncflow_dagster.sandbox.salesforce.store import Record

# A change of any of these makes the rule look again.
WATCHED = frozenset(
    {
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Title",
        "Company",
        "AccountId",
        "MailingStreet",
        "MailingCity",
        "MailingPostalCode",
        "Street",
        "City",
        "PostalCode",
    }
)
OBJECTS = frozenset({"Contact", "Lead"})


@dataclass(frozen=True)
class Person:
    """The fields that the rule compares, folded."""

    first: str
    last: str
    email: str
    company: str
    title: str
    phone: str
    street: str
    place: tuple[str, str]


def person(record: Record, accounts: Mapping[str, Record]) -> Person:
    """A contact or lead as the rule sees it; a contact's company is its account's name."""
    account = accounts.get(record.get("AccountId") or "", {})

    def folded(*names: str) -> str:
        value = next((record[name] for name in names if record.get(name)), "")
        return " ".join(str(value).casefold().split())

    return Person(
        first=folded("FirstName"),
        last=folded("LastName"),
        email=folded("Email"),
        company=folded("Company") or str(account.get("Name") or "").casefold(),
        title=folded("Title"),
        phone="".join(filter(str.isdigit, folded("Phone"))),
        street=folded("MailingStreet", "Street"),
        place=(folded("MailingCity", "City"), folded("MailingPostalCode", "PostalCode")),
    )


def duplicates(
    record: Record, others: Iterable[Record], accounts: Mapping[str, Record]
) -> list[str]:
    """Ids of the others who are the same person by the rule."""
    new = person(record, accounts)
    return [
        one["Id"] for one in others if _candidate(new, one) and _same(new, person(one, accounts))
    ]


def _candidate(new: Person, one: Record) -> bool:
    """Whether a match key is shared: the address, or the names' beginnings."""
    if new.email and new.email == one.get("Email"):
        return True
    first, last = (one.get("FirstName") or "")[:1], (one.get("LastName") or "")[:2]
    return new.first[:1] == first.casefold() and new.last[:2] == last.casefold()


def _same(new: Person, one: Person) -> bool:
    if not (_alike(new.first, one.first, 85) and _alike(new.last, one.last, 90)):
        return False
    email = new.email == one.email != ""
    phone = new.phone == one.phone != ""
    title = _alike(new.title, one.title, 50)
    company = _alike(new.company, one.company, 70)
    street = _alike(new.street, one.street, 90)
    place = any(a == b != "" for a, b in zip(new.place, one.place, strict=True))
    return email or phone or (title and company) or (street and (place or title))


def _alike(a: str, b: str, threshold: float) -> bool:
    return bool(a and b) and fuzz.ratio(a, b) >= threshold
