"""The fake Salesforce's Consent API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sf_calls import Calls

from syncflow_dagster.sandbox.salesforce.consent_rules import (
    ACTIONS,
    NOT_FOUND,
    Question,
    Subject,
    judge,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def calls(salesforce):
    return Calls(salesforce)


def given(status, channel="Email", **more):
    return {"Id": "0ZX", "PrivacyConsentStatus": status, "ContactPointType": channel, **more}


def person(**fields):
    return "Contact", {"Id": "003", **fields}


def people(*records):
    return Subject(people=list(records))


def individual(**fields):
    return Subject(people=[person()], individuals=[{"Id": "0PK", **fields}])


def consented(*consents):
    return Subject(people=[person()], consents=list(consents), purposes={"0ZW": "news"})


@pytest.mark.parametrize(
    ("action", "subject", "proceed"),
    [
        ("email", people(person()), True),
        ("email", people(person(), ("Lead", {"Id": "00Q", "HasOptedOutOfEmail": True})), False),
        ("email", people(person(HasOptedOutOfFax=True, DoNotCall=True)), True),
        ("fax", people(person(HasOptedOutOfFax=True)), False),
        ("phone", people(person(DoNotCall=True)), False),
        ("email", consented(given("OptOut")), False),
        ("email", consented(given("OptIn"), given("OptOut")), False),
        ("email", consented(given("OptOut", "Phone")), True),
        ("email", consented(given("OptOut", EffectiveTo=NOW - DAY)), True),
        ("email", consented(given("OptOut", EffectiveFrom=NOW + DAY)), True),
        ("email", consented(given("OptOut", EffectiveTo=NOW)), True),
        ("email", consented(given("OptOut", EffectiveFrom=NOW)), False),
        ("phone", consented(given("OptOut", "Phone")), False),
        ("mail", consented(given("Seen", "MailingAddress")), True),
        ("process", individual(), True),
        ("process", individual(HasOptedOutProcessing=True), False),
        ("profile", individual(HasOptedOutProfiling=True), False),
        ("solicit", individual(HasOptedOutSolicit=True), False),
        ("track", individual(HasOptedOutTracking=True), False),
        ("geotrack", individual(HasOptedOutGeoTracking=True), False),
        # Of these three, a set field says yes.
        ("shouldforget", individual(), False),
        ("shouldforget", individual(ShouldForget=True), True),
        ("portability", individual(SendIndividualData=True), True),
        ("storepiielsewhere", individual(), False),
        # Without an Individual nobody knows, and that is no.
        ("process", people(person()), None),
        ("shouldforget", people(person()), None),
        ("email", Subject(individuals=[{"Id": "0PK"}]), None),
    ],
)
def test_the_least_permissive_place_wins(action, subject, proceed):
    verdict = judge(subject, ACTIONS[action], Question(NOW))
    assert verdict.proceed is bool(proceed)
    assert verdict.result == (NOT_FOUND if proceed is None else "Success")


def test_purposes_and_explicit_consent_narrow_what_counts():
    opted_out = consented(given("OptOut", DataUsePurposeId="0ZW"))
    email = ACTIONS["email"]
    assert not judge(opted_out, email, Question(NOW, "news")).proceed
    assert judge(opted_out, email, Question(NOW, "bills")).proceed
    assert judge(people(person()), email, Question(NOW, explicit=True)).result == NOT_FOUND
    assert judge(consented(given("OptIn")), email, Question(NOW, explicit=True)).proceed


def test_consent_is_gathered_from_everybody_with_the_same_individual(
    calls, control, clock, salesforce
):
    [party] = calls.create({"LastName": "Roe", "HasOptedOutProfiling": True}, kind="Individual")
    contact, other, alone = calls.create(
        {"LastName": "Roe", "Email": "roe@x.example", "IndividualId": party},
        {
            "LastName": "Roe",
            "Email": "else@x.example",
            "IndividualId": party,
            "HasOptedOutOfEmail": True,
            "DoNotCall": True,
        },
        {"LastName": "Alone"},
    )
    lead, converted = calls.create(
        {"LastName": "Roe", "Company": "X", "Email": "Roe@x.example", "IndividualId": party},
        {"LastName": "Roe", "Company": "X", "IndividualId": party, "IsConverted": True},
        kind="Lead",
    )
    [account] = calls.create({"Name": "X"}, kind="Account")
    ids = [
        contact,
        other,
        alone,
        lead,
        "ROE@x.example",
        "003Hn0000009999AAA",
        converted,
        account,
        "x",
    ]
    path = f"/consent/multiaction?actions=email,phone,profile,shouldForget&ids={','.join(ids)}"
    found = calls.json("GET", path)
    assert list(found) == ids
    # For e-mail only records with the same address count.
    yes = {"email": "true", "emailResult": "Success"}
    assert found[contact]["proceed"] == yes | {
        "phone": "false",
        "phoneResult": "Success",
        "profile": "false",
        "profileResult": "Success",
        "shouldforget": "false",
        "shouldForgetResult": "Success",
    }
    assert found[other]["proceed"]["email"] == "false"
    assert found["ROE@x.example"]["proceed"] == found[lead]["proceed"] == found[contact]["proceed"]
    lonely = found[alone]["proceed"]
    assert (lonely["email"], lonely["profile"], lonely["profileResult"]) == (
        "true",
        "false",
        NOT_FOUND,
    )
    assert [found[one]["result"] for one in ids[5:]] == [
        "INFO_NOT_FOUND",
        "CONVERTED_LEAD_IS_INVALID",
        "INVALID_ID",
        "INVALID_ID",
    ]

    # Withdrawn from now on, for a while.
    now = clock.wall()
    consent = {"Name": "c", "PartyId": party, "ContactPointType": "Email"}
    times = {"EffectiveFrom": (now - 2 * DAY).isoformat(), "EffectiveTo": (now - DAY).isoformat()}
    calls.create(
        {**consent, **times, "PrivacyConsentStatus": "OptOut"}, kind="ContactPointTypeConsent"
    )
    one = f"/consent/action/email?ids={contact}"
    assert calls.json("GET", one)[contact]["proceed"]["email"] == "true"
    then = (now - 1.5 * DAY).isoformat().replace("+00:00", "Z")
    told = calls.json("GET", f"{one}&datetime={then}&verbose")[contact]
    assert told["proceed"]["email"] == "false"
    assert {one["objectConsulted"] for one in told["explanation"]} == {
        "Contact",
        "Lead",
        "ContactPointTypeConsent",
    }
    both = f"/consent/action/email?ids={contact},{other}&aggregatedConsent"
    assert calls.json("GET", both)["aggregatedConsent"]["proceed"]["email"] == "false"

    assert calls.code("GET", f"/consent/action/dance?ids={contact}") == "INVALID_ACTION"
    assert calls.code("GET", "/consent/multiaction?actions=email") == "MISSING_ARGUMENT"
    assert calls.code("GET", f"{one}&datetime=soon") == "INVALID_ARGUMENT"
    long = "/consent/action/email?ids=" + ",".join([contact] * 845)
    assert calls.code("GET", long, 414) == "URI_TOO_LONG"
    less = salesforce.tokens["restricted_session"]
    assert calls.code("GET", one, 403, token=less) == "FUNCTIONALITY_NOT_ENABLED"
    control.settings("salesforce", privacy_enabled=False)
    assert calls.code("GET", one, 403) == "FUNCTIONALITY_NOT_ENABLED"
