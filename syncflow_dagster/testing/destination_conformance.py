"""What every destination must do, as a suite: an adapter's tests inherit it and give a harness.

The judge is the service's own log of committed writes, never the adapter's word.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from uuid import uuid4

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.ledger.ports import Absent, Found, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.ledger.ports import Destination, Effect


class Harness(ABC):
    """A destination, the service behind it, and the service's faults."""

    @abstractmethod
    def destination(self) -> Destination:
        """Return the adapter under test."""

    @abstractmethod
    def stranger(self) -> Destination:
        """Return the adapter with credentials the service does not know."""

    @abstractmethod
    def creates(self, count: int) -> list[Effect]:
        """Return creates of `count` new objects that depend on nothing."""

    @abstractmethod
    def poison(self) -> Effect:
        """Return a create the service refuses for what it holds."""

    @abstractmethod
    def change(self, made: Effect, remote_id: str) -> Effect:
        """Return a change of an object that was made."""

    @abstractmethod
    def committed(self) -> list[str]:
        """Return the remote ids in the service's log of creates, in order."""

    @abstractmethod
    def lose_replies(self) -> None:
        """Let the service apply the next requests and cut the line before it answers."""

    @abstractmethod
    def fail_before(self) -> None:
        """Let the service fail before it applies anything."""

    @abstractmethod
    def fail_after(self) -> None:
        """Let the service fail after it has applied everything."""

    @abstractmethod
    def throttle(self) -> None:
        """Let the service refuse for a limit."""

    @abstractmethod
    def go_down(self) -> None:
        """Let the service refuse connections."""

    @abstractmethod
    def recover(self) -> None:
        """End all faults."""


class DestinationConformance:
    """The suite; a subclass gives the fixture `harness`."""

    def test_each_effect_of_a_request_has_an_outcome_with_its_id(self, harness: Harness) -> None:
        """Creates are applied once each, and their ids come back."""
        effects = harness.creates(3)
        reply = harness.destination().send(effects, uuid4())
        assert list(reply.outcomes) == [effect.effect_id for effect in effects]
        assert _ids(reply.outcomes.values()) == harness.committed()

    def test_what_was_applied_is_found_by_its_key(self, harness: Harness) -> None:
        """A look-up gives the id under which the service knows the object."""
        effects = harness.creates(3)
        harness.destination().send(effects[:2], uuid4())
        findings = harness.destination().lookup(effects).findings
        ids = harness.committed()
        assert [findings[one.effect_id] for one in effects] == [
            Found(ids[0]),
            Found(ids[1]),
            Absent(),
        ]

    def test_a_lost_reply_is_unknown_and_found(self, harness: Harness) -> None:
        """No answer is never read as failure."""
        effects = harness.creates(2)
        harness.lose_replies()
        reply = harness.destination().send(effects, uuid4())
        harness.recover()
        assert all(isinstance(one, Unknown) for one in reply.outcomes.values())
        findings = harness.destination().lookup(effects).findings.values()
        assert [one.remote_id for one in findings if isinstance(one, Found)] == harness.committed()

    def test_a_failure_after_applying_is_unknown_and_found(self, harness: Harness) -> None:
        """A server error says nothing about what was applied."""
        effects = harness.creates(2)
        harness.fail_after()
        reply = harness.destination().send(effects, uuid4())
        harness.recover()
        assert all(isinstance(one, Unknown) for one in reply.outcomes.values())
        findings = harness.destination().lookup(effects).findings.values()
        assert all(isinstance(one, Found) for one in findings)

    def test_a_failure_before_applying_is_unknown_and_absent(self, harness: Harness) -> None:
        """The same error, and the look-up tells the difference."""
        effects = harness.creates(2)
        harness.fail_before()
        reply = harness.destination().send(effects, uuid4())
        harness.recover()
        assert all(isinstance(one, Unknown) for one in reply.outcomes.values())
        findings = harness.destination().lookup(effects).findings.values()
        assert all(isinstance(one, Absent) for one in findings)
        assert harness.committed() == []

    def test_poison_is_rejected_alone(self, harness: Harness) -> None:
        """The others of its request are applied, or surely none is and the request says so."""
        effects = [*harness.creates(2), harness.poison()]
        reply = harness.destination().send(effects, uuid4())
        if reply.refused_whole:
            assert harness.committed() == []
            return
        assert isinstance(reply.outcomes[effects[2].effect_id], Reject)
        assert _ids([reply.outcomes[one.effect_id] for one in effects[:2]]) == harness.committed()

    def test_a_limit_is_a_wait_that_costs_no_try(self, harness: Harness) -> None:
        """And nothing was applied."""
        effects = harness.creates(2)
        harness.throttle()
        reply = harness.destination().send(effects, uuid4())
        harness.recover()
        outcomes = list(reply.outcomes.values())
        assert all(isinstance(one, Retry) and not one.counts for one in outcomes)
        assert all(isinstance(one, Retry) and one.after_s for one in outcomes)
        assert harness.committed() == []

    def test_a_refused_connection_was_surely_not_sent(self, harness: Harness) -> None:
        """So it may be sent again without a look-up; and a look-up then knows nothing."""
        effects = harness.creates(1)
        harness.go_down()
        outcome = harness.destination().send(effects, uuid4()).outcomes[effects[0].effect_id]
        finding = harness.destination().lookup(effects).findings[effects[0].effect_id]
        harness.recover()
        assert isinstance(outcome, Retry)
        assert not outcome.counts
        assert isinstance(finding, Unreadable)

    def test_a_probe_tells_whether_the_service_is_there(self, harness: Harness) -> None:
        """A refusal is an answer; silence and server errors are an outage, of any request."""
        assert harness.destination().probe().outage is None
        assert harness.stranger().probe().outage is None
        harness.go_down()
        down = harness.destination()
        assert down.probe().outage
        effects = harness.creates(1)
        assert down.lookup(effects).outage
        assert down.send(effects, uuid4()).outage
        harness.recover()

    def test_bad_credentials_stop_the_account(self, harness: Harness) -> None:
        """Nobody's record is to blame."""
        effects = harness.creates(2)
        reply = harness.stranger().send(effects, uuid4())
        assert all(isinstance(one, Stop) for one in reply.outcomes.values())
        finding = harness.stranger().lookup(effects).findings[effects[0].effect_id]
        assert isinstance(finding, Unreadable)

    def test_the_request_id_is_an_idempotency_key(self, harness: Harness) -> None:
        """The same request sent twice is applied once, where the service takes such a key."""
        effects = harness.creates(2)
        request_id = uuid4()
        first = harness.destination().send(effects, request_id)
        second = harness.destination().send(effects, request_id)
        assert first.outcomes == second.outcomes
        assert len(harness.committed()) == len(effects)

    def test_a_change_is_found_once_it_shows(self, harness: Harness) -> None:
        """Before it is sent a change is absent, afterwards it is found."""
        made = harness.creates(1)[0]
        reply = harness.destination().send([made], uuid4())
        (remote_id,) = _ids(reply.outcomes.values())
        change = harness.change(made, remote_id)
        destination = harness.destination()
        assert destination.lookup([change]).findings[change.effect_id] == Absent()
        assert isinstance(destination.send([change], uuid4()).outcomes[change.effect_id], Done)
        assert destination.lookup([change]).findings[change.effect_id] == Found()

    def test_costs_are_in_the_budgets_that_are_declared(self, harness: Harness) -> None:
        """A cost in a budget nobody opened would be spent unseen."""
        destination = harness.destination()
        effects = harness.creates(2)
        budgets = destination.budgets()
        for cost in (destination.cost(effects), destination.lookup_cost(effects)):
            assert cost
            assert set(cost) <= set(budgets)
            assert all(units > 0 for units in cost.values())

    def test_what_it_reads_of_its_budgets_fits_what_it_spent(self, harness: Harness) -> None:
        """The service's own count never exceeds what was reserved for the request."""
        destination = harness.destination()
        effects = harness.creates(3)
        reply = destination.send(effects, uuid4())
        cost = destination.cost(effects)
        for name, units in reply.spent.items():
            assert units <= cost[name]
        for reading in reply.readings:
            assert reading.allowed is None or reading.allowed > 0


def _ids(outcomes: Sequence[object] | object) -> list[str]:
    assert not isinstance(outcomes, str)
    return [
        one.remote_id
        for one in outcomes  # type: ignore[attr-defined]
        if isinstance(one, Done) and one.remote_id is not None
    ]
