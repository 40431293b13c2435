"""What is asked about each record at the instant of sending: what it shows now, then the gate.

Nothing is written about a record that is tagged already, that does not show any more what was
approved, or that the gate does not let through. A yes of the gate is worth something for a few
seconds only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Retry, Stop
from syncflow_dagster.nodes.compliance.ports import AskAgain, GateRequest
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.errors import QuotaReached
from syncflow_dagster.nodes.salesforce.quota import DAILY
from syncflow_dagster.nodes.tag.cells import same
from syncflow_dagster.nodes.tag.costs import BATCH
from syncflow_dagster.nodes.tag.lines import place_of
from syncflow_dagster.nodes.tag.plan_report import sizes
from syncflow_dagster.nodes.tag.policy import PolicyUnusable
from syncflow_dagster.nodes.tag.showing import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.compliance.ports import GatePort
    from syncflow_dagster.nodes.salesforce.answers import Answer
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.tag.showing import Looker
    from syncflow_dagster.nodes.tag.wishes import Place

#: Seconds until requests of a day have come back in numbers.
_QUOTA_WAIT_S = 3600.0
#: Seconds after which a yes of the gate is worth nothing any more.
YOUNG_S = 10.0
#: How often the gate is asked about the same records until each yes is young.
_ROUNDS = 4


class NotRead(Exception):
    """A read that gave nothing.

    Attributes:
        outcome: What that means for a write that was to follow it.
    """

    def __init__(self, outcome: Retry | Stop) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Screened:
    """What becomes of effects before anything is written.

    Attributes:
        outcomes: Of those that are not written, by effect id.
        ready: Those that are to be written now, in their order.
        shown: What their records show.
        found: Those whose tag somebody else had put there already.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    ready: list[Effect] = field(default_factory=list)
    shown: Shown = field(default_factory=Shown)
    found: list[Effect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Screen:
    """Asks about effects that are about to be sent.

    Attributes:
        gate: The consent gate.
        client: The org.
        looker: Asks what records show.
        note_found: Told of effects whose tag was there already.
        clock: Tells how old an answer of the gate is.
        policy_hash: Of the gate's policy.
        policy_now: Reads the policy's file and returns its hash; what was applied under another
            policy is not sent. It raises `PolicyUnusable`.
    """

    gate: GatePort
    client: SalesforceClient
    looker: Looker
    note_found: Callable[[Sequence[Effect]], None]
    clock: Clock
    policy_hash: str
    policy_now: Callable[[], str]

    def screen(self, effects: Sequence[Effect]) -> Screened:
        """Return which effects may be written now, and what becomes of the others.

        The gate comes last: behind its yes there is nothing but the write.
        """
        screened = Screened()
        try:
            now = self.policy_now()
        except PolicyUnusable as error:
            stop = Stop(str(error))
            screened.outcomes.update((one.effect_id, stop) for one in effects)
            return screened
        ours = []
        for effect in effects:
            if effect.payload.get("policy") == now == self.policy_hash:
                ours.append(effect)
            else:
                outdated = Reject("the policy has changed since this was applied", gone=True)
                screened.outcomes[effect.effect_id] = outdated
        unwritten = self._compare(ours, screened) if ours else []
        ready, refused = self.ask(unwritten)
        screened.ready.extend(ready)
        screened.outcomes.update(refused)
        return screened

    def ask(self, effects: Sequence[Effect]) -> tuple[list[Effect], dict[int, Outcome]]:
        """Ask the gate until each yes is young; to be called just before a write.

        Returns:
            Effects that may be written at once, in their order, and what becomes of the others.
        """
        outcomes: dict[int, Outcome] = {}
        asked: dict[int, datetime] = {}
        for _ in range(_ROUNDS):
            old = self._old(effects, outcomes, asked)
            for start in range(0, len(old), BATCH):
                try:
                    outcomes |= self._refused(old[start : start + BATCH], asked)
                except AskAgain as error:
                    again = {one.effect_id: error.outcome for one in effects}
                    return [], again | outcomes
            if not old:
                break
        too_old = Retry("the consent gate took so long that its answer was old", counts=False)
        for one in self._old(effects, outcomes, asked):
            outcomes[one.effect_id] = too_old
        return [one for one in effects if one.effect_id not in outcomes], outcomes

    def _old(
        self,
        effects: Sequence[Effect],
        outcomes: Mapping[int, Outcome],
        asked: Mapping[int, datetime],
    ) -> list[Effect]:
        """Return effects without an outcome for which there is no young yes."""
        open_ones = [one for one in effects if one.effect_id not in outcomes]
        since = self.clock.now() - timedelta(seconds=YOUNG_S) if open_ones else None
        return [
            one
            for one in open_ones
            if since is None or one.effect_id not in asked or asked[one.effect_id] < since
        ]

    def _refused(self, effects: Sequence[Effect], asked: dict[int, datetime]) -> dict[int, Outcome]:
        """Ask the gate once, note when, and return those that it does not let through."""
        # What is read may be as old as the question.
        at = self.clock.now()
        verdicts = self.gate.decide(
            [
                GateRequest(one.payload["record_id"], one.effect_key, one.payload["purpose"])
                for one in effects
            ]
        )
        asked.update((one.effect_id, at) for one in effects)
        refused: dict[int, Outcome] = {}
        for effect in effects:
            verdict = verdicts.get(effect.effect_key)
            if verdict is None or not verdict.allow:
                why = "the gate gave no verdict" if verdict is None else str(verdict)
                refused[effect.effect_id] = Reject(f"consent: {why}")
        return refused

    def _compare(self, effects: Sequence[Effect], screened: Screened) -> list[Effect]:
        """Return effects whose records show what was approved; note what becomes of the others."""
        try:
            shown = self.look(effects)
        except NotRead as error:
            screened.outcomes.update((one.effect_id, error.outcome) for one in effects)
            return []
        unwritten = []
        for effect in effects:
            outcome = _told(effect, shown)
            if outcome is None:
                unwritten.append(effect)
                continue
            screened.outcomes[effect.effect_id] = outcome
            # One that was sent before and may come late is ours.
            if isinstance(outcome, Done) and not effect.doubted and not effect.tries:
                screened.found.append(effect)
        screened.shown.cells.update(shown.cells)
        screened.shown.ids.update(shown.ids)
        if screened.found:
            self.note_found(screened.found)
        return unwritten

    def look(self, effects: Sequence[Effect]) -> Shown:
        """Return what the records of some effects show now.

        Raises:
            NotRead: The org did not say.
        """
        return self.looker.look(_wanted(effects), self.query)

    def most_queries(self, effects: Sequence[Effect]) -> int:
        """Return how many queries `look` asks about effects at the most."""
        return self.looker.most_queries(_wanted(effects))

    def query(self, soql: str) -> list[Mapping[str, Any]]:
        """Return all rows of a query.

        Raises:
            NotRead: The org did not give them.
        """
        try:
            return rows_of(self.client, soql)
        except SourceError as error:
            raise NotRead(_unsent(error)) from error


def _wanted(effects: Sequence[Effect]) -> list[tuple[Place, Collection[str]]]:
    return [(place_of(one.kind, one.payload), one.payload["after"]) for one in effects]


def rows_of(client: SalesforceClient, soql: str) -> list[Mapping[str, Any]]:
    """Return all rows of a query, asking again for a while where that may help.

    Raises:
        SourceError: The org does not give them.
    """
    what = "what records show"
    body = _body(ask(client, "query", what, params={"q": soql}))
    rows = list(body["records"])
    while path := body.get("nextRecordsUrl"):
        body = _body(ask(client, path, what))
        rows += body["records"]
    if not body.get("done"):
        raise SourceUnavailableError("Salesforce ends a query before it is done")
    return rows


def _body(answer: Answer) -> Mapping[str, Any]:
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise QueryFailedError("Salesforce answers a query without 'records'")
    return body


def _unsent(error: SourceError) -> Retry | Stop:
    """Return what a read that failed means for a write that was to follow it: it was not sent."""
    if isinstance(error, QuotaReached):
        return Stop(str(error), DAILY, _QUOTA_WAIT_S)
    if isinstance(error, SourceUnavailableError):
        return Retry(str(error), counts=False, outage=True)
    return Stop(str(error))


def current(effect: Effect, shown: Shown) -> dict[str, Any] | None:
    """Return what the cells of an effect show; None if the record is not there."""
    cells = shown.cells.get(effect.payload["record_id"])
    return None if cells is None else {cell: cells.get(cell) for cell in effect.payload["after"]}


def shows_after(effect: Effect, now: Mapping[str, Any]) -> bool:
    """Tell whether a record shows what an effect was to bring about."""
    return all(same(now[cell], value) for cell, value in effect.payload["after"].items())


def remote_id(effect: Effect, shown: Shown) -> str | None:
    """Return the id of the record that is the tag itself, where there is one."""
    return shown.ids.get((effect.payload["record_id"], effect.payload["store"]))


def _told(effect: Effect, shown: Shown) -> Outcome | None:
    """Return what becomes of an effect by what its record shows; None if it is to be written."""
    now = current(effect, shown)
    if now is None:
        return Reject("the record is not there any more, or may not be seen", gone=True)
    if shows_after(effect, now):
        return Done(remote_id(effect, shown))
    before = effect.payload["before"]
    other = {cell: value for cell, value in now.items() if not same(value, before[cell])}
    if not other:
        return None
    was = {cell: before[cell] for cell in other}
    text = f"changed since approval: {sizes(was)}; now {sizes(other)}"
    # Gone is what was approved: tried again, the row is planned anew.
    return Reject(text, gone=True)
