"""What an org says about consent, read over HTTP, and what the gate makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncflow_dagster.core.consent.questions import ERASURE, SUPPRESSION, answers, listed, questions
from syncflow_dagster.core.consent.verdict import judge
from syncflow_dagster.core.outcomes import Retry, Stop
from syncflow_dagster.nodes.compliance.ports import AskAgain
from syncflow_dagster.nodes.compliance.preflight import unreadable
from syncflow_dagster.nodes.compliance.salesforce_evidence import SalesforceEvidence
from syncflow_dagster.nodes.salesforce import writing
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.models.policy import Policy

POLICY = Policy.model_validate(
    {
        "policy": "champions",
        "version": 1,
        "owner": "Privacy team",
        "purposes": {
            "tracking": {
                "description": "Know where our contacts work",
                "lawful_basis": "legitimate_interests",
                "lia_ref": "LIA-7",
            },
            "news": {"description": "News", "lawful_basis": "consent", "data_use_purpose": "News"},
        },
        "subjects": {"contact": {"email_fields": ["email"]}},
        "writes": {"Contact": ["Champion_Status__c"]},
    }
)
NAMES = (
    "good",
    "mail",
    "call",
    "forget",
    "nobody",
    "private",
    "out",
    "point",
    "late",
    "news",
    "gone",
)


def made(client, name, *records):
    outcomes = writing.create(client, name, records).outcomes
    return [one.remote_id for one in outcomes]


class People:
    """Contacts of the org, each with an Individual of its own and one thing about it."""

    def __init__(self, org):
        self.client = client = org.client()
        self.now = FakeClock(org.clock.wall())
        flags = {"forget": {"ShouldForget": True}}
        persons = made(client, "Individual", *({"LastName": n, **flags.get(n, {})} for n in NAMES))
        self.person = dict(zip(NAMES, persons, strict=True))
        more = {"mail": {"HasOptedOutOfEmail": True}, "call": {"DoNotCall": True}}
        more |= {"nobody": {"IndividualId": None}}
        contacts = made(
            client,
            "Contact",
            *(
                {"LastName": n, "Email": f"{n}@a.test", "IndividualId": self.person[n]}
                | more.get(n, {})
                for n in NAMES
            ),
        )
        self.id = dict(zip(NAMES, contacts, strict=True))
        [news] = made(client, "DataUsePurpose", {"Name": "News"})
        self._consents(client, news)
        writing.delete(client, [self.id["gone"]])
        org.settings(private=[self.person["private"]])

    def _consents(self, client, news):
        at = self.now.now()
        self.out = self.consent("out", PrivacyConsentStatus="OptOut")
        ended = (at - timedelta(days=1)).isoformat()
        made(
            client,
            "ContactPointTypeConsent",
            self.out,
            self.consent("late", PrivacyConsentStatus="OptIn", EffectiveTo=ended),
            self.consent("news", PrivacyConsentStatus="OptIn", DataUsePurposeId=news),
        )
        address = {"ParentId": self.person["point"], "EmailAddress": "other@a.test"}
        [point] = made(client, "ContactPointEmail", address)
        refused = {"Name": "x", "ContactPointId": point, "PrivacyConsentStatus": "OptOut"}
        made(client, "ContactPointConsent", refused)

    def consent(self, name, **more):
        given = {"Name": "x", "PartyId": self.person[name], "ContactPointType": "Email"}
        return given | {"CaptureContactPointType": "Web"} | more

    def verdicts(self, client=None, purpose="tracking", names=NAMES):
        """What the gate would say now, by name."""
        client = client or self.client
        source = SalesforceEvidence(client, Describes(client), self.now)
        rules, subject = POLICY.purpose_rules(purpose), POLICY.subject_rules("Contact")
        found = source.gather(subject, [rules], [self.id[one] for one in names])
        clear = {one: listed(one, self.now.now(), one, None) for one in (SUPPRESSION, ERASURE)}
        return {
            name: judge(
                questions(subject, rules),
                {**answers(subject, rules, found[self.id[name]], self.now.now()), **clear},
                "block",
            )
            for name in names
        }


@pytest.fixture
def people(org):
    return People(org)


def test_each_way_to_refuse_is_seen_and_nobody_else_is_stopped(people):
    told = {name: one.reasons for name, one in people.verdicts().items()}
    assert told.pop("good") == ()
    assert told.pop("news") == ()
    expected = {
        "mail": "field_refuses:contact.HasOptedOutOfEmail",
        "call": "field_refuses:contact.DoNotCall",
        "forget": "individual_refuses:Individual.ShouldForget",
        "nobody": "no_individual",
        "private": "individual_unreadable",
        "out": "opted_out:ContactPointTypeConsent",
        "point": "opted_out:ContactPointConsent",
        "late": "consent_expired:ContactPointTypeConsent",
        "gone": "record_not_found",
    }
    assert {name for name, reasons in told.items() if expected[name] in reasons} == set(expected)
    # Where consent is the basis, only who gave it for this purpose is left.
    allowed = {name for name, one in people.verdicts(purpose="news").items() if one.allow}
    assert allowed == {"news"}
    # An id of 15 characters is the same record; what is no id is none.
    people.id |= {"short": people.id["good"][:15], "odd": "no id"}
    short = people.verdicts(names=("short", "odd"))
    assert short["short"].allow
    assert "record_not_found" in short["odd"].reasons


def test_consent_that_is_withdrawn_counts_from_the_next_look_on(people):
    assert people.verdicts(names=("good",))["good"].allow
    withdrawn = people.consent("good", PrivacyConsentStatus="OptOut")
    made(people.client, "ContactPointTypeConsent", withdrawn)
    assert not people.verdicts(names=("good",))["good"].allow


def test_records_that_became_another_are_told(org, people):
    first, second, third = (people.id[one] for one in ("mail", "call", "good"))
    [lead] = made(people.client, "Lead", {"LastName": "good", "Company": "Acme"})
    org.settings(
        edits=[
            {"op": "merge", "object": "Contact", "id": second, "losers": [first]},
            {"op": "merge", "object": "Contact", "id": third, "losers": [second]},
            {"op": "update", "object": "Lead", "id": lead,
             "fields": {"IsConverted": True, "ConvertedContactId": third}},
        ]
    )  # fmt: skip
    source = SalesforceEvidence(people.client, Describes(people.client), people.now)
    purposes = [POLICY.purpose_rules("tracking")]
    found = source.gather(POLICY.subject_rules("Contact"), purposes, [third, people.id["news"]])
    assert set(found[third].records) == {first, second, lead}
    assert found[people.id["news"]].records == ()


HIDDEN = {
    "Contact.DoNotCall": "field_unreadable:contact.DoNotCall",
    "Contact.Email": "field_unreadable:contact.email",
    "Contact.IndividualId": "field_unreadable:contact.IndividualId",
    "Individual.*": "individual_unreadable",
    "Individual.ShouldForget": "individual_unreadable:Individual.ShouldForget",
    "ContactPointTypeConsent.*": "consent_unreadable:ContactPointTypeConsent",
    "ContactPointConsent.EffectiveTo": "consent_unreadable:ContactPointConsent",
    "ContactPointEmail.ParentId": "consent_unreadable:ContactPointConsent",
}


def test_what_field_level_security_hides_is_a_no_for_everybody(org, people):
    for hidden, reason in HIDDEN.items():
        org.settings(hidden_fields=[hidden])
        told = people.verdicts(names=("good", "news"))
        assert all(reason in one.reasons for one in told.values()), (hidden, told)
        assert not any(one.allow for one in told.values())
        # And preflight tells it before.
        found = list(unreadable(POLICY, "Contact", Describes(org.client()), ("policy",)))
        owner, _, name = hidden.partition(".")
        seen = f"{owner}" if name == "*" else f"{owner}.{name}"
        assert any(seen.lower() in one.message.lower() for one in found), (hidden, found)
    org.settings(hidden_fields=[])
    subjects = {"Contact": {"consents": [], "phone_fields": []}}
    emptied = Policy.model_validate({**POLICY.model_dump(exclude={"hash"}), "subjects": subjects})
    found = unreadable(emptied, "Contact", Describes(org.client()), ("policy",))
    assert [one.message.split(":")[1] for one in found] == [
        " Contact has no consents",
        " Contact has no phone_fields",
    ]
    assert list(unreadable(POLICY, "Contact", Describes(org.client()), ("policy",))) == []


def test_without_privacy_or_its_permission_nobody_is_allowed(org, people):
    restricted = org.client({"type": "session", "token": org.tokens["restricted_session"]})
    told = people.verdicts(restricted, names=("good",))["good"]
    assert "consent_api_unreadable:process" in told.reasons
    org.settings(privacy_enabled=False)
    assert not people.verdicts(org.client(), names=("good",))["good"].allow


def test_what_is_not_answered_is_no_verdict(org, people):
    for op in ("consent", "query", "describe"):
        org.fault("error_before", op=op)
        with pytest.raises(AskAgain) as raised:
            people.verdicts(names=("good",))
        assert isinstance(raised.value.outcome, Retry)
        assert raised.value.outcome.outage
        org.control.clear_faults()
    org.fault("expired_session", op="consent", times=1)
    assert people.verdicts(names=("good",))["good"].allow
    org.settings(daily_requests=1)
    with pytest.raises(AskAgain) as raised:
        people.verdicts(names=("good",))
    assert isinstance(raised.value.outcome, Stop)
