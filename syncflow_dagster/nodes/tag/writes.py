"""Effects as records that Salesforce takes, and the requests that carry them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Retry
from syncflow_dagster.nodes.salesforce import writing
from syncflow_dagster.nodes.tag.screening import remote_id
from syncflow_dagster.nodes.tag.showing import person_field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncflow_dagster.core.soql.schema import ObjectInfo
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.writing import Written
    from syncflow_dagster.nodes.tag.cells import Value
    from syncflow_dagster.nodes.tag.showing import Shown

    #: Asks the gate; gives what may be written, and what becomes of the rest.
    Ask = Callable[[Sequence[Effect]], tuple[list[Effect], dict[int, Outcome]]]

_REMOVALS = frozenset({"remove_topic", "remove_member", "remove_junction"})
#: How Salesforce refuses a second assignment of a topic, or a second membership.
_TWICE = "DUPLICATE_VALUE"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes effects that may be written.

    Attributes:
        client: The org.
        tagged: The tagged object.
        topics: Ids of topics by name.
    """

    client: SalesforceClient
    tagged: ObjectInfo
    topics: Mapping[str, str]

    def write(self, effects: Sequence[Effect], shown: Shown, ask: Ask) -> dict[int, Outcome]:
        """Write effects and return what became of each; those of one sort go in one request.

        Args:
            effects: At most 200, of records that differ where their fields are set.
            shown: What their records show.
            ask: Asked once more before each request but the first, which takes time.
        """
        outcomes: dict[int, Outcome] = {}
        alike: dict[tuple[str, ...], list[Effect]] = defaultdict(list)
        for effect in effects:
            if effect.kind == "assign_topic" and effect.payload["topic"] not in self.topics:
                text = f"there is no topic {effect.payload['topic']!r}"
                outcomes[effect.effect_id] = Reject(text)
                continue
            alike[sort_of(effect)].append(effect)
        for number, alike_ones in enumerate(alike.values()):
            some = alike_ones
            if number:
                some, refused = ask(alike_ones)
                outcomes |= refused
            if not some:
                continue
            done = self._request(some, shown)
            for effect, outcome in zip(some, done.outcomes, strict=True):
                outcomes[effect.effect_id] = _read(effect, outcome)
        return outcomes

    def _request(self, effects: Sequence[Effect], shown: Shown) -> Written:
        client, first = self.client, effects[0]
        if first.kind == "set_fields":
            records = [self.fields(one, shown) for one in effects]
            return writing.update(client, self.tagged.name, records)
        if first.kind in _REMOVALS:
            return writing.delete(client, [remote_id(one, shown) or "" for one in effects])
        if first.kind == "upsert_junction":
            name, key = first.payload["object"], first.payload["external_id"]
            return writing.upsert(client, name, key, [junction_record(one) for one in effects])
        if first.kind == "assign_topic":
            assignments = [
                {
                    "TopicId": self.topics[one.payload["topic"]],
                    "EntityId": one.payload["record_id"],
                }
                for one in effects
            ]
            return writing.create(client, "TopicAssignment", assignments)
        return writing.create(client, "CampaignMember", [_member(one) for one in effects])

    def fields(self, effect: Effect, shown: Shown) -> dict[str, Any]:
        """Return the record that sets an effect's fields, by its Id."""
        record_id = effect.payload["record_id"]
        now = shown.cells[record_id]
        values = {
            cell: self._value(cell, value, now.get(cell))
            for cell, value in effect.payload["after"].items()
        }
        return {"Id": record_id, **values}

    def _value(self, cell: str, value: Value, now: Value) -> Any:
        if isinstance(value, list):
            kept = [one for one in now or () if one in value]
            return ";".join([*kept, *(one for one in value if one not in kept)])
        info = self.tagged.field(cell)
        if value is None and info is not None and info.type == "boolean":
            return False
        return value


def junction_record(effect: Effect) -> dict[str, Any]:
    """Return the junction record of an effect, with its external id."""
    payload = effect.payload
    (values,) = payload["after"].values()
    return {
        payload["external_id"]: payload["key"],
        payload["lookup"]: payload["record_id"],
        **values,
    }


def _member(effect: Effect) -> dict[str, Any]:
    payload = effect.payload
    status = {"Status": payload["status"]} if payload.get("status") else {}
    person = person_field(payload["person"])
    return {"CampaignId": payload["campaign"], person: payload["record_id"], **status}


def sort_of(effect: Effect) -> tuple[str, ...]:
    """Return what effects have in common that can go in one request."""
    payload = effect.payload
    if effect.kind == "upsert_junction":
        return (effect.kind, payload["object"], payload["external_id"])
    return ("remove",) if effect.kind in _REMOVALS else (effect.kind,)


def _read(effect: Effect, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Done):
        # A record that is tagged by a field has no id beside its own.
        made = effect.kind in {"assign_topic", "add_member", "upsert_junction"}
        return Done(outcome.remote_id if made else None)
    if not isinstance(outcome, Reject):
        return outcome
    if effect.kind in {"assign_topic", "add_member"} and _TWICE in outcome.reason:
        # Somebody, or a try of ours that came late, was quicker: the next look shows it.
        return Retry(outcome.reason)
    if effect.kind in _REMOVALS and outcome.gone:
        return Done()
    return outcome
