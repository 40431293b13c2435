"""Made-up members of LinkedIn: who they are, how lists spell them, what there was before.

The same figures and seed make the same people, each from its number alone: 2,000 people are the
first 120 and more of them. Special cases, each with a share of its own:

| case | what is special |
|---|---|
| `namesake` | the name, and every other time the company, of the person before |
| `letters` | a slug with letters beyond ASCII, which addresses write percent-encoded |
| `no_slug` | no slug: where one is told, it is the provider's id |
| `changed_slug` | gets another slug in the first weeks; lists have the old one |
| `sales_navigator` | listed by an address of Sales Navigator, whose id is another one |
| `case_twin` | an id that differs from the one of the person before in upper and lower case alone |
| `decorated` | a first name with a title, an emoji, or in capitals |
| `bare` | neither company nor position |
| `open_profile` | takes InMails from everybody |
| `blocks` | cannot be invited |
| `unreachable` | takes no messages |
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.unipile import people_names as names
from syncflow_dagster.sandbox.unipile.behaviour import DAY_S, Behaviour, Shares

if TYPE_CHECKING:
    import random

# Share of the people whose profiles tell a former job.
_HAD_ANOTHER_JOB = 0.4
# What lists say people were asked about; some cells are empty.
_TOPICS = ("order data", "returns", "forecasts", "")
# Until when slugs have changed.
_FIVE_WEEKS_S = 35 * DAY_S


class Cases(BaseModel):
    """How many people are special in which way; shares from 0 to 1. See the module.

    Attributes:
        connected_before: Connected with one of the accounts already.
        invited_before: Have an invitation of one of the accounts already.
        withdrawn_before: Had one that was taken back some days ago.
        invited_us: Have invited one of the accounts, which has not answered.
        abroad: Speak another language than English.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    namesake: float = Field(default=0.03, ge=0, le=1)
    letters: float = Field(default=0.5, ge=0, le=1)
    no_slug: float = Field(default=0.01, ge=0, le=1)
    changed_slug: float = Field(default=0.02, ge=0, le=1)
    sales_navigator: float = Field(default=0.04, ge=0, le=1)
    case_twin: float = Field(default=0.01, ge=0, le=1)
    decorated: float = Field(default=0.05, ge=0, le=1)
    bare: float = Field(default=0.03, ge=0, le=1)
    open_profile: float = Field(default=0.08, ge=0, le=1)
    blocks: float = Field(default=0.005, ge=0, le=1)
    unreachable: float = Field(default=0.005, ge=0, le=1)
    abroad: float = Field(default=0.25, ge=0, le=1)
    connected_before: float = Field(default=0.04, ge=0, le=1)
    invited_before: float = Field(default=0.02, ge=0, le=1)
    withdrawn_before: float = Field(default=0.01, ge=0, le=1)
    invited_us: float = Field(default=0.01, ge=0, le=1)


class PeopleSeed(Shares):
    """People to make, and how they behave.

    Attributes:
        count: How many.
        seed: Other numbers give other people and other decisions.
        strangers: People on no list, with whom each account is connected from the start.
        stranger_connects_per_day: Connections with further strangers, per account and day.
        cases: How many of the people are special.
    """

    count: int = Field(default=100, ge=0, le=100_000)
    seed: int = 7
    strangers: int = Field(default=120, ge=0, le=5_000)
    stranger_connects_per_day: float = Field(default=0.5, ge=0, le=20)
    cases: Cases = Cases()

    @property
    def behaviour(self) -> Behaviour:
        """What these people do."""
        return Behaviour(self, self.seed)


@dataclass(frozen=True)
class Made:
    """One made-up person.

    Attributes:
        number: From 0; strangers have numbers behind everybody's.
        config: What was asked for.
    """

    number: int
    config: PeopleSeed

    def _is(self, case: str) -> bool:
        share: float = getattr(self.config.cases, case)
        return self._chance(case).random() < share

    def _chance(self, what: str) -> random.Random:
        return self.config.behaviour.chance(f"person {self.number}", what)

    @cached_property
    def cases(self) -> frozenset[str]:
        """The person's special cases, by the names of `Cases`."""
        found = {case for case in Cases.model_fields if self._is(case)}
        if self.number == 0:
            found -= {"namesake", "case_twin"}
        if "case_twin" in found:
            # As slugs, which know no capitals, two such ids would be one.
            found -= {"no_slug"}
        return frozenset(found)

    @cached_property
    def _before(self) -> Made:
        return Made(self.number - 1, self.config)

    @cached_property
    def provider_id(self) -> str:
        """The id that is the same everywhere, `ACoAA…`."""
        return self._id("ACoAA")

    @cached_property
    def sales_id(self) -> str:
        """The id of Sales Navigator, `ACwAA…`, which is another one."""
        return self._id("ACwAA")

    def _id(self, prefix: str) -> str:
        if "case_twin" in self.cases and "case_twin" not in self._before.cases:
            return prefix + self._before._id(prefix)[len(prefix) :].swapcase()  # noqa: SLF001
        told = f"{self.config.seed}/{prefix}/{self.number}".encode()
        drawn = hashlib.blake2b(told, digest_size=25).digest()
        return prefix + base64.urlsafe_b64encode(drawn).decode().rstrip("=")

    @property
    def member_number(self) -> int:
        """The number in `urn:li:member:…`."""
        return 100_000_000 + self.config.seed % 1_000 * 1_000_000 + self.number

    @cached_property
    def language(self) -> str:
        """Two letters."""
        if "abroad" not in self.cases:
            return "en"
        return self._chance("language").choice(sorted(names.ABROAD))

    @cached_property
    def _plain_name(self) -> tuple[str, str]:
        if "namesake" in self.cases:
            return self._before._plain_name  # noqa: SLF001
        if self.language in names.ABROAD:
            firsts, lasts, _, _ = names.ABROAD[self.language]
            chance = self._chance("name")
            return chance.choice(firsts), chance.choice(lasts)
        return names.name(self.number)

    @cached_property
    def first_name(self) -> str:
        """As the profile shows it."""
        first = self._plain_name[0]
        if "decorated" not in self.cases:
            return first
        chance = self._chance("decoration")
        before, after = chance.choice(names.DECORATIONS)
        return chance.choice((f"{before}{first}{after}", first.upper()))

    @property
    def last_name(self) -> str:
        """As the profile shows it."""
        return self._plain_name[1]

    @cached_property
    def company(self) -> str:
        """Present employer; empty when the profile tells none."""
        if "bare" in self.cases:
            return ""
        if "namesake" in self.cases and self.number % 2:
            return self._before.company
        return names.company(self._chance("company").randrange(150))

    @cached_property
    def position(self) -> str:
        """Present job; empty when the profile tells none."""
        return "" if "bare" in self.cases else self._chance("position").choice(names.POSITIONS)

    @cached_property
    def since(self) -> datetime:
        """Since when the present job is held."""
        chance = self._chance("since")
        return datetime(chance.randrange(2019, 2026), chance.randrange(1, 13), 1, tzinfo=UTC)

    @cached_property
    def past(self) -> tuple[tuple[str, str], ...]:
        """A former employer and job, of some."""
        chance = self._chance("past")
        if chance.random() > _HAD_ANOTHER_JOB:
            return ()
        return ((names.company(chance.randrange(150)), chance.choice(names.POSITIONS)),)

    @property
    def headline(self) -> str:
        """The line below the name."""
        return f"{self.position} at {self.company}" if self.company else "Open to work"

    @cached_property
    def place(self) -> tuple[str, str]:
        """Location as the profile shows it, and the country's two letters."""
        if self.language in names.ABROAD:
            return names.ABROAD[self.language][2:]
        return self._chance("place").choice(names.PLACES)

    @cached_property
    def slug(self) -> str:
        """The slug at the start; the provider's id for those who have none."""
        if "no_slug" in self.cases:
            return self.provider_id
        return names.slug(*self._plain_name, self.number, plain="letters" not in self.cases)

    @property
    def later_slug(self) -> str:
        """The slug of somebody who changes it."""
        return f"{self.slug}-new"

    @cached_property
    def slug_changes_after_s(self) -> float | None:
        """Seconds from the start until the slug changes; None: never."""
        if "changed_slug" not in self.cases or "no_slug" in self.cases:
            return None
        return self._chance("slug changes").uniform(DAY_S, _FIVE_WEEKS_S)

    @property
    def listed(self) -> dict[str, str]:
        """The person as a row of a list of leads."""
        return {
            "linkedin_url": self.address,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "company": self.company,
            "position": self.position,
            "country": self.place[1],
            "topic": self._chance("topic").choice(_TOPICS),
        }

    @cached_property
    def address(self) -> str:
        """How a list of leads tells this person; a dozen spellings are about."""
        coded = quote(self.slug, safe="")
        if "sales_navigator" in self.cases:
            return f"https://www.linkedin.com/sales/lead/{self.sales_id},NAME_SEARCH,x{self.number}"
        if "no_slug" in self.cases:
            return f"https://www.linkedin.com/in/{self.provider_id}"
        spellings = (
            f"https://www.linkedin.com/in/{coded}",
            f"https://www.linkedin.com/in/{coded}/",
            f"https://de.linkedin.com/in/{self.slug}?originalSubdomain=de",
            f"http://linkedin.com/in/{coded.lower()}/?utm_source=list",
            f"www.linkedin.com/in/{self.slug.upper()}",
            f"linkedin.com/in/{self.slug}/en",
            self.slug,
        )
        weights = (50, 15, 5, 10, 5, 5, 10)
        return self._chance("address").choices(spellings, weights)[0]


def make_people(config: PeopleSeed) -> list[Made]:
    """The people of a seed, in the order of their numbers."""
    return [Made(number, config) for number in range(config.count)]


def make_stranger(config: PeopleSeed, number: int) -> Made:
    """The n-th person who is on no list; an ordinary one.

    Args:
        config: The seed.
        number: From 0.
    """
    plain = Cases(**dict.fromkeys(Cases.model_fields, 0.0))
    return Made(1_000_000 + number, config.model_copy(update={"cases": plain}))
