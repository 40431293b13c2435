"""A Salesforce org as a destination of the ledger, for tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.outcomes import Outcome, Retry, Stop, outage_of
from syncflow_dagster.core.pace import Pace
from syncflow_dagster.ledger.ports import (
    Absent,
    Effect,
    Finding,
    Found,
    JobLook,
    Lookup,
    OpenJob,
    Probe,
    Reply,
    Unreadable,
)
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import whole_answer
from syncflow_dagster.nodes.salesforce.quota import DAILY
from syncflow_dagster.nodes.tag import costs
from syncflow_dagster.nodes.tag.screening import NotRead, Screen, current, remote_id, shows_after
from syncflow_dagster.nodes.tag.writes import Writer, sort_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.core.budget import Limit
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.tag.bulk import BulkLane
    from syncflow_dagster.nodes.tag.showing import Shown

#: How much faster than the time-out a request should be answered.
_TIMES_FASTER = 4


class TagDestination:
    """One org, and the tags of one node.

    Args:
        client: The org.
        screen: Asked about each record before it is written.
        batch_size: Records of one request.
        bulk: Bulk jobs, where there are to be any.
    """

    def __init__(
        self,
        client: SalesforceClient,
        screen: Screen,
        batch_size: int,
        bulk: BulkLane | None = None,
    ) -> None:
        self._client = client
        self._screen = screen
        self._writer = Writer(client, screen.looker.tagged, screen.looker.topics)
        self._batch_size = batch_size
        self._bulk = bulk

    @property
    def account(self) -> str:
        """Name of the org."""
        return account(self._client.connection.account)

    @property
    def settle_s(self) -> float:
        """Seconds until reads show whatever a request will still bring about."""
        return self._client.connection.settle_s

    @property
    def batch_size(self) -> int:
        """Records of one request at most."""
        return self._batch_size

    @property
    def job_size(self) -> int:
        """Records of one bulk job at most; 0 where there are to be none."""
        return 0 if self._bulk is None else self._bulk.size

    def pace(self) -> Pace:
        """Return requests that shrink while Salesforce takes long to answer them."""
        longest = self._client.connection.timeout_s / _TIMES_FASTER
        return Pace(self._batch_size, self._batch_size, longest)

    def budgets(self) -> Mapping[str, Limit]:
        """Return the org's budgets until its first answer says better."""
        return costs.limits(self._client.connection.timeout_s)

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what sending these effects costs at the dearest, the questions before included."""
        if effects[0].bulk and self._bulk is not None:
            return self._bulk.cost(effects)
        sorts = len({sort_of(one) for one in effects})
        # What they show, and for each sort of write the gate and a request.
        return costs.requests(self._screen.most_queries(effects) + sorts * (costs.GATE + 1))

    def lookup_cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what looking these effects up costs, at the dearest."""
        return costs.requests(self._screen.most_queries(effects))

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:
        """Write the effects that may be written now; none is written without being asked about."""
        if effects[0].bulk and self._bulk is not None:
            return self._bulk.send(effects, request_id)
        before = self._client.usage.sent
        screened = self._screen.screen(effects)
        outcomes: dict[int, Outcome] = dict(screened.outcomes)
        if screened.ready:
            outcomes |= self._writer.write(screened.ready, screened.shown, self._screen.ask)
        ordered = {one.effect_id: outcomes[one.effect_id] for one in effects}
        said = costs.readings(self._client.usage, ordered.values())
        return Reply(ordered, said, {DAILY: self._client.usage.sent - before})

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Ask whether the records show what these effects were to bring about."""
        before = self._client.usage.sent
        try:
            shown = self._screen.look(effects)
        except NotRead as error:
            return self._not_seen(effects, error.outcome, before)
        findings = {one.effect_id: _finding(one, shown) for one in effects}
        sent = self._client.usage.sent - before
        said = costs.readings(self._client.usage, ())
        return Lookup(findings, sent, said, spent={DAILY: sent})

    def _not_seen(self, effects: Sequence[Effect], outcome: Retry | Stop, before: int) -> Lookup:
        reason = outcome.reason
        finding = Unreadable(reason, outcome.after_s, outage=outage_of(outcome) is not None)
        stopped = reason if isinstance(outcome, Stop) and outcome.limit is None else None
        sent = self._client.usage.sent - before
        said = costs.readings(self._client.usage, [outcome])
        findings: dict[int, Finding] = dict.fromkeys((one.effect_id for one in effects), finding)
        return Lookup(findings, sent, said, stopped, {DAILY: sent})

    def job_look_cost(self) -> Mapping[str, int]:
        """Return what asking for a bulk job costs."""
        assert self._bulk is not None
        return self._bulk.look_cost()

    def look_at_job(self, job: OpenJob) -> JobLook:
        """Ask how far a bulk job is, and what became of its lines."""
        assert self._bulk is not None
        return self._bulk.look(job)

    def probe(self) -> Probe:
        """Ask for the limits, which is cheap."""
        before = self._client.usage.sent
        outcome = whole_answer(self._client.get(resource("limits")))
        outage = None if outcome is None else outage_of(outcome)
        cost = {DAILY: self._client.usage.sent - before}
        said = costs.readings(self._client.usage, () if outcome is None else (outcome,))
        return Probe(outage, cost, said)


def account(name: str) -> str:
    """Return what the budgets of an org are kept under."""
    return f"salesforce:{name}"


def _finding(effect: Effect, shown: Shown) -> Finding:
    now = current(effect, shown)
    if now is None or not shows_after(effect, now):
        return Absent()
    removed = effect.kind.startswith("remove_")
    return Found(None if removed else remote_id(effect, shown))
