"""The org passes the suite that every destination must pass; its log is the judge."""

from __future__ import annotations

import pytest
from tag_cases import contact_id

from syncflow_dagster.core.consent.verdict import Decision, Verdict
from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.nodes.tag.destination import TagDestination
from syncflow_dagster.nodes.tag.screening import Screen
from syncflow_dagster.nodes.tag.showing import Looker
from syncflow_dagster.nodes.tag.wishes import junction_key
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.destination_conformance import DestinationConformance, Harness
from syncflow_dagster.workflows.models import SalesforceConnection

POLICY = "p"

ALLOWED = Verdict(Decision.ALLOW)


class OpenGate:
    """Lets everything through: the gate has a suite of its own."""

    def decide(self, requests):
        return {one.effect_key: ALLOWED for one in requests}


class TagHarness(Harness):
    """Junction records as what is made, fields of contacts as what is changed."""

    def __init__(self, url, tokens, control):
        self._url = url
        self._tokens = tokens
        self._control = control
        self._people = sorted(
            one["Id"] for one in control.state("salesforce")["records"]["Contact"]
        )
        # A describe is read once, while nothing is wrong yet.
        self._tagged = Describes(self._client(tokens["session"])).object("Contact")
        self._number = 0

    def _client(self, token):
        connection = SalesforceConnection.model_validate(
            {
                "type": "salesforce",
                "url": self._url,
                "auth": {"type": "session", "token": token},
                "timeout_s": 5,
                "settle_s": 0,
            }
        )
        return SalesforceClient(connection, wait=lambda _seconds: None)

    def _destination(self, token):
        client = self._client(token)
        looker = Looker(self._tagged)
        screen = Screen(
            OpenGate(), client, looker, lambda _effects: None, FakeClock(), POLICY, lambda: POLICY
        )
        return TagDestination(client, screen, 200)

    def destination(self):
        return self._destination(self._tokens["session"])

    def stranger(self):
        return self._destination("not a token")

    def creates(self, count):
        return [
            self._junction(self._people[place], {"Tag__c": "champion"}) for place in range(count)
        ]

    def poison(self):
        return self._junction(self._people[-1], {"Tag__c": "x" * 81})

    def _junction(self, person, values):
        key = junction_key(person, "champion", "tests")
        store = f"Tag_Assignment__c:{key}"
        payload = {
            "object": "Tag_Assignment__c",
            "external_id": "Assignment_Key__c",
            "lookup": "Contact__c",
            "key": key,
            "shown": sorted(values),
            **_common(person, store, {store: None}, {store: values}),
        }
        return self._effect("upsert_junction", person, payload, creates=True)

    def _effect(self, kind, person, payload, *, creates):
        self._number += 1
        number = self._number
        return Effect(
            number, f"e{number}", kind, f"{person}:{number}", creates, payload, person, None
        )

    def change(self, made, _remote_id):
        cell = "Champion_Status__c"
        payload = _common(made.payload["record_id"], "fields", {cell: None}, {cell: "Moved"})
        return self._effect("set_fields", payload["record_id"], payload, creates=False)

    def committed(self):
        log = self._control.log("salesforce")
        return [one["remote_id"] for one in log if one["key"].startswith("Tag_Assignment__c")]

    def lose_replies(self):
        self._fault(kind="lost_reply", op="collections")

    def fail_before(self):
        self._fault(kind="error_before", op="collections")

    def fail_after(self):
        self._fault(kind="error_after", op="collections")

    def throttle(self):
        self._fault(kind="throttle", op="collections", limit="concurrency")

    def go_down(self):
        self._fault(kind="down")

    def recover(self):
        self._control.clear_faults()

    def _fault(self, **fault):
        self._control.faults(service="salesforce", **fault)


def _common(person, store, before, after):
    return {
        "tagged": "Contact", "record_id": person, "store": store, "purpose": "tests",
        "rules": ["r"], "before": before, "after": after, "plan": "p", "policy": POLICY,
        "label": person,
    }  # fmt: skip


class TestTagDestination(DestinationConformance):
    """The suite against the sandbox's org."""

    @pytest.fixture
    def harness(self, tag_server, org):
        return TagHarness(
            tag_server.urls["salesforce"], tag_server.urls["tokens"]["salesforce"], org
        )

    def test_a_record_nobody_sees_is_refused_without_a_write(self, harness):
        nobody = harness._junction(contact_id(999_999), {"Tag__c": "champion"})
        reply = harness.destination().send([nobody], None)
        assert reply.outcomes[nobody.effect_id].gone
        assert harness.committed() == []
