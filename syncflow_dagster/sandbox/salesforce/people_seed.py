"""Made-up people with everything that makes them hard to tell apart, and the truth about them.

The same figures and the same seed give the same org. Ordinary people have names of their own, so
that only the cases made on purpose are hard; each takes a hundredth of the contacts, and at
least one:

| case | what the org holds | truth |
|---|---|---|
| `moved_phone` | a second contact of the name at another account, with another e-mail, but the
same mobile phone | one person |
| `moved_linkedin` | the same, with the same LinkedIn slug | one person |
| `moved_past_account` | the same, with the former account as its past account | one person |
| `later` | one contact; the edits that move the person later are in the truth | one person |
| `namesake` | a second contact of the name, nothing else in common | two people |
| `crowd` | three contacts of one name, of whom two have the newest one's phone | undecidable |
| `same_email` | two contacts with one e-mail, written differently, and one name | one person |
| `mailbox` | two names behind one info@ address | two people |
| `nickname` | Robert and Bob, with one LinkedIn slug | one person |
| `spelling` | two spellings of one name (marks, scripts, "NA"), with one phone | one person |
| `lead` | a lead with a contact's e-mail | one person |
| `merged` | a contact merged into another, in the recycle bin | one person |
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.salesforce import people_cases, people_names
from syncflow_dagster.sandbox.salesforce.people_consent import Consents

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record

# So many records get one stamp, as a bulk load gives them.
_STAMP_BLOCK = 200
_SINCE = timedelta(days=90)


class People(BaseModel):
    """How many to make.

    Attributes:
        accounts: Companies.
        contacts: Contacts, the special cases among them.
        leads: Leads.
        seed: Other numbers give other people.
        plain: No special cases and no consent records, for many rows in little time.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    accounts: int = Field(default=100, ge=2)
    contacts: int = Field(default=1_000, ge=0)
    leads: int = Field(default=100, ge=0)
    seed: int = 7
    plain: bool = False


@dataclass
class Maker:
    """Makes records, one after the other.

    Attributes:
        org: Where they go.
        chance: The seed's.
        truth: What is known about them.
        total: How many records will be made, over which stamps are spread.
    """

    org: Org
    chance: random.Random
    truth: dict[str, Any]
    total: int
    accounts: list[Record] = field(default_factory=list)
    made: int = 0
    names: int = 0
    begin: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.org.now() - _SINCE

    def stamp(self) -> datetime:
        """The moment of the next record: the same for some, then a later one."""
        block = self.made // _STAMP_BLOCK * _STAMP_BLOCK
        self.made += 1
        # The last day stays empty, so that what is changed now is newer than everything.
        share = block / max(self.total, 1)
        return self.begin + timedelta(
            seconds=int((_SINCE - timedelta(days=1)).total_seconds() * share)
        )

    def load(self, object_name: str, **values: Any) -> Record:
        """Put one record with the next stamp."""
        return self.org.load(object_name, values, at=self.stamp())

    def name(self) -> tuple[str, str]:
        """A first and a last name that nobody else has."""
        number, self.names = self.names, self.names + 1
        place, at_first = divmod(number, len(people_names.FIRST))
        return people_names.FIRST[at_first], people_names.family_name(place)

    def account(self) -> Record:
        """Any account."""
        return self.chance.choice(self.accounts)

    def other_account(self, account_id: str) -> Record:
        """Any account but this one."""
        while (found := self.account())["Id"] == account_id:
            pass
        return found

    def person(self, names: tuple[str, str] | None = None, **values: Any) -> Record:
        """The values of a contact, not stored yet."""
        first, last = names or self.name()
        account = self.account()
        number = self.made
        city, code, country = self.chance.choice(people_names.CITIES)
        return {
            "FirstName": first,
            "LastName": last,
            "AccountId": account["Id"],
            "Email": f"p{number}@{people_cases.domain(account)}",
            "MobilePhone": f"+1 555 {number:07d}",
            "Phone": f"+1 444 {number % 997:07d}",
            "Title": self.chance.choice(people_names.TITLES),
            "LinkedIn__c": f"https://www.linkedin.com/in/person-{number}",
            "External_Id__c": f"C-{number:07d}",
            "Champion_Status__c": "Active",
            "Is_Champion__c": number % 3 == 0,
            "Score__c": float(number % 100),
            "MailingCity": city,
            "MailingPostalCode": code,
            "MailingCountry": country,
        } | values

    def contact(self, names: tuple[str, str] | None = None, **values: Any) -> Record:
        """One contact."""
        return self.load("Contact", **self.person(names, **values))


def make_people(config: People, org: Org, truth: dict[str, Any]) -> None:
    """Fill an org with made-up people.

    Args:
        config: How many.
        org: Where to.
        truth: Takes, by case, lists of what is known; `consent` by contact Id. See the module.
    """
    total = config.accounts + 2 * config.contacts + config.leads
    maker = Maker(org, random.Random(config.seed), truth, total)  # noqa: S311 - repeatable
    for number in range(config.accounts):
        maker.accounts.append(_account(maker, number))
    if config.plain:
        for _ in range(config.contacts):
            maker.contact()
    else:
        contacts = people_cases.make(maker, config.contacts)
        Consents(maker).make(contacts)
    for _ in range(config.leads):
        _lead(maker)


def _account(maker: Maker, number: int) -> Record:
    names, kinds = people_names.COMPANY, people_names.KIND
    rest, at_name = divmod(number, len(names))
    rest, at_kind = divmod(rest, len(kinds))
    name = f"{names[at_name]} {kinds[at_kind]}" + (f" {rest + 1}" if rest else "")
    return maker.load(
        "Account",
        Name=name,
        Website=f"https://{people_cases.slug(name)}.example",
        Phone=f"+1 333 {number:07d}",
        Industry=maker.chance.choice(["Banking", "Technology", "Energy"]),
        NumberOfEmployees=maker.chance.randrange(5, 50_000),
        AnnualRevenue=float(maker.chance.randrange(1, 1_000) * 10_000),
        External_Id__c=f"A-{number:06d}",
    )


def _lead(maker: Maker) -> Record:
    first, last = maker.name()
    number = maker.made
    return maker.load(
        "Lead",
        FirstName=first,
        LastName=last,
        Company=maker.account()["Name"],
        Email=f"l{number}@lead{number % 50}.example",
        Status="Open - Not Contacted",
        HasOptedOutOfEmail=number % 9 == 0,
        External_Id__c=f"L-{number:07d}",
    )
