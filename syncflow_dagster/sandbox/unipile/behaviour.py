"""What people do about what happens to them: who accepts, answers, objects, and when.

Each decision is drawn from the seed, the person, the account and the event alone. So a run can be
repeated, and one request more, or another order of them, changes nothing for anybody else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.unipile.talk import say

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.unipile.talk import Tone

HOUR_S = 3_600.0
DAY_S = 86_400.0
# LinkedIn tells nobody how long people take; half of them within a day, some after weeks.
_LONGEST_S = 18 * DAY_S
_LATE_S = (21.2 * DAY_S, 40 * DAY_S)
_SHORTEST_S = 120.0

Deed = Literal["accept", "decline", "write", "own_words", "connect"]


class Shares(BaseModel):
    """How often people do what; each a share from 0 to 1, and what is left over does nothing.

    Attributes:
        accept: Invited people who accept, within weeks.
        late_accept: Invited people who accept when three weeks are over, if they still can.
        decline: Invited people who decline.
        asks_back: People who ask to be connected when an invitation was taken back, which the
            account's owner then accepts: they connect late.
        writes_unconnected: Invited people who answer the invitation without accepting it.
        writes_first: People who write once they are connected, before they are written to.
        reply: People who answer the first message; of later ones half as many do.
        positive: Answers that are positive; the others are negative.
        out_of_office: People whose first answer to a message is automatic.
        opt_out: People who answer a message by objecting to more of them.
        owner_writes: Connected people whom the account's owner writes to by hand.
        accept_median_h: Hours after which half of those who accept have done so.
        reply_median_h: Hours after which half of those who answer have done so.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    accept: float = Field(default=0.35, ge=0, le=1)
    late_accept: float = Field(default=0.03, ge=0, le=1)
    decline: float = Field(default=0.04, ge=0, le=1)
    asks_back: float = Field(default=0.03, ge=0, le=1)
    writes_unconnected: float = Field(default=0.01, ge=0, le=1)
    writes_first: float = Field(default=0.05, ge=0, le=1)
    reply: float = Field(default=0.3, ge=0, le=1)
    positive: float = Field(default=0.5, ge=0, le=1)
    out_of_office: float = Field(default=0.05, ge=0, le=1)
    opt_out: float = Field(default=0.05, ge=0, le=1)
    owner_writes: float = Field(default=0.02, ge=0, le=1)
    accept_median_h: float = Field(default=20.0, gt=0)
    reply_median_h: float = Field(default=7.0, gt=0)


class Someone(Protocol):
    """Who decides."""

    @property
    def provider_id(self) -> str:
        """The provider's id."""

    @property
    def language(self) -> str:
        """Two letters."""


@dataclass(frozen=True)
class Act:
    """Something that will be done.

    Attributes:
        after_s: Seconds from now.
        deed: `accept` and `decline` concern the invitation; `write` is a message from the
            person, `own_words` one that the account's owner writes by hand, `connect` a
            connection that came about without an invitation of ours.
        text: What is written.
        tone: What is meant by it.
    """

    after_s: float
    deed: Deed
    text: str = ""
    tone: Tone | None = None


@dataclass(frozen=True)
class Behaviour:
    """People's decisions.

    Attributes:
        shares: How often they do what.
        seed: Other numbers give other decisions.
    """

    shares: Shares
    seed: int

    def chance(self, person: str, *event: object) -> random.Random:
        """What decides about one event of one person, and about nothing else.

        Args:
            person: Whose event, by provider id.
            event: What tells it from the person's other events.
        """
        return random.Random(f"{self.seed}/{person}/{event}")  # noqa: S311 - repeatable

    def invited(self, person: Someone, account: str, nth: int) -> list[Act]:
        """What follows an invitation, the `nth` (from 1) that this account sends the person."""
        chance = self.chance(person.provider_id, "invited", account, nth)
        shares, drawn = self.shares, chance.random()
        acts: list[Act] = []
        if drawn < shares.accept:
            acts.append(Act(self._delay(chance, shares.accept_median_h), "accept"))
        elif (drawn := drawn - shares.accept) < shares.late_accept:
            acts.append(Act(chance.uniform(*_LATE_S), "accept"))
        elif (drawn := drawn - shares.late_accept) < shares.decline:
            acts.append(Act(self._delay(chance, shares.accept_median_h), "decline"))
        if chance.random() < shares.writes_unconnected:
            tone: Tone = chance.choice(("positive", "negative", "opt_out"))
            acts.append(self._write(person, tone, chance))
        return acts

    def withdrawn(self, person: Someone, account: str, nth: int) -> list[Act]:
        """What follows when an account's `nth` invitation is taken back."""
        chance = self.chance(person.provider_id, "withdrawn", account, nth)
        if chance.random() >= self.shares.asks_back:
            return []
        return [Act(self._delay(chance, 3 * self.shares.accept_median_h), "connect")]

    def connected(self, person: Someone, account: str) -> list[Act]:
        """What follows a connection."""
        chance = self.chance(person.provider_id, "connected", account)
        acts: list[Act] = []
        if chance.random() < self.shares.writes_first:
            acts.append(self._write(person, "first", chance))
        if chance.random() < self.shares.owner_writes:
            text = say("owner", person.language, chance)
            acts.append(Act(chance.uniform(HOUR_S, 10 * DAY_S), "own_words", text, "owner"))
        return acts

    def written_to(self, person: Someone, account: str, nth: int) -> list[Act]:
        """What follows a message, the `nth` (from 1) of this account to the person."""
        chance = self.chance(person.provider_id, "written to", account, nth)
        shares = self.shares
        acts: list[Act] = []
        if nth == 1 and chance.random() < shares.out_of_office:
            text = say("out_of_office", person.language, chance)
            acts.append(Act(chance.uniform(1.0, 60.0), "write", text, "out_of_office"))
        drawn = chance.random()
        reply = shares.reply if nth == 1 else shares.reply / 2
        if drawn < shares.opt_out:
            acts.append(self._write(person, "opt_out", chance))
        elif drawn - shares.opt_out < reply:
            tone: Tone = "positive" if chance.random() < shares.positive else "negative"
            acts.append(self._write(person, tone, chance))
        return acts

    def _write(self, person: Someone, tone: Tone, chance: random.Random) -> Act:
        after = self._delay(chance, self.shares.reply_median_h)
        return Act(after, "write", say(tone, person.language, chance), tone)

    def _delay(self, chance: random.Random, median_h: float) -> float:
        drawn = chance.lognormvariate(0.0, 1.3) * median_h * HOUR_S
        return min(max(drawn, _SHORTEST_S), _LONGEST_S)
