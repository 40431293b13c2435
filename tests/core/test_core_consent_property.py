"""The least permissive answer wins, and what is not known never allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.consent.evidence import (
    CONSENT_OBJECTS,
    ConsentRecord,
    Permission,
    PurposeRules,
    RecordEvidence,
    SubjectRules,
)
from syncflow_dagster.core.consent.questions import (
    ERASURE,
    SUPPRESSION,
    answers,
    listed,
    questions,
)
from syncflow_dagster.core.consent.verdict import REASONS, Answer, Decision, Says, in_words, judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLAGS = ("HasOptedOutProcessing", "HasOptedOutProfiling", "ShouldForget")
CONTACT = SubjectRules(
    "Contact",
    fields={"HasOptedOutOfEmail": False, "DoNotCall": False, "Marketing__c": "Yes"},
    flags=FLAGS,
    emails=("Email",),
    phones=("Phone",),
)
TRACK = PurposeRules("tracking", ("process", "profile"), data_use_purpose="CRM")
MAIL = PurposeRules("mail", ("process", "email"), needs_consent=True, data_use_purpose="CRM")
OPT_IN = ConsentRecord("OptIn", "Email", "CRM")
GOOD = RecordEvidence(
    NOW,
    actions=dict.fromkeys(("process", "profile", "email"), Permission.ALLOWED),
    fields={
        "HasOptedOutOfEmail": False,
        "DoNotCall": False,
        "Marketing__c": "Yes",
        "Email": "a@b.test",
        "Phone": None,
        "IndividualId": "0PK000000000001AAA",
    },
    individual=dict.fromkeys(FLAGS, False),
    consents={"ContactPointTypeConsent": [OPT_IN], "ContactPointConsent": []},
)
CLEAR = {
    SUPPRESSION: listed(SUPPRESSION, NOW, "suppressed", None),
    ERASURE: listed(ERASURE, NOW, "erased", None),
}


def decide(found, purpose=TRACK, subject=CONTACT, unknown="block", now=NOW):
    given_now = {**answers(subject, purpose, found, now), **CLEAR}
    return judge(questions(subject, purpose), given_now, unknown)


def fields(**changes):
    return replace(GOOD, fields={**GOOD.fields, **changes})


def consents(*records, of="ContactPointTypeConsent"):
    return replace(GOOD, consents={**GOOD.consents, of: list(records)})


def without(name):
    return replace(GOOD, fields={key: one for key, one in GOOD.fields.items() if key != name})


def test_whoever_everything_permits_is_allowed_with_all_evidence_kept():
    for purpose in (TRACK, MAIL):
        verdict = decide(GOOD, purpose)
        assert verdict.allow
        assert str(verdict) == "allowed"
        assert set(verdict.evidence) == set(questions(CONTACT, purpose))
        assert all(one["says"] == "permits" for one in verdict.evidence.values())
    assert verdict.evidence["Contact.DoNotCall"]["read_at"] == NOW.isoformat()
    # Nothing personal is kept of what was read.
    assert "a@b.test" not in str(verdict.evidence)


API_REFUSES = replace(GOOD, actions={**GOOD.actions, "profile": Permission.REFUSED})
API_SILENT = replace(GOOD, actions={"process": Permission.ALLOWED})
API_HIDDEN = replace(GOOD, actions={**GOOD.actions, "profile": Permission.UNREADABLE})
ENDED = replace(OPT_IN, effective_to=NOW)
LATER = replace(OPT_IN, effective_from=NOW + HOUR)
OUT = ConsentRecord("OptOut", "Email")


@pytest.mark.parametrize(
    ("found", "purpose", "decision", "reason"),
    [
        (API_REFUSES, TRACK, "block", "consent_api_refused:profile"),
        (API_SILENT, TRACK, "review", "consent_api_unreadable:profile"),
        (API_HIDDEN, TRACK, "review", "consent_api_unreadable:profile"),
        (replace(GOOD, fields=None), TRACK, "block", "record_not_found"),
        (
            fields(HasOptedOutOfEmail=True),
            TRACK,
            "block",
            "field_refuses:Contact.HasOptedOutOfEmail",
        ),
        (fields(Marketing__c="No"), TRACK, "block", "field_refuses:Contact.Marketing__c"),
        # Only the very value will do: one like false is none.
        (fields(DoNotCall=0), TRACK, "block", "field_refuses:Contact.DoNotCall"),
        (fields(DoNotCall="false"), TRACK, "block", "field_refuses:Contact.DoNotCall"),
        (fields(DoNotCall=None), TRACK, "review", "field_unreadable:Contact.DoNotCall"),
        (without("DoNotCall"), TRACK, "review", "field_unreadable:Contact.DoNotCall"),
        # A hidden address cannot be looked up in the suppression list; an empty one need not be.
        (without("Email"), TRACK, "review", "field_unreadable:Contact.Email"),
        # What cannot be compared could not be looked up either.
        (fields(Phone="see Email"), TRACK, "review", "field_unreadable:Contact.Phone"),
        (fields(Email="a@b.test; none"), TRACK, "review", "field_unreadable:Contact.Email"),
        (replace(GOOD, phones=("1",)), TRACK, "review", "field_unreadable:contact point phone"),
        (replace(GOOD, records=None), TRACK, "review", "field_unreadable:merged and converted"),
        (fields(IndividualId=None), TRACK, "review", "no_individual"),
        (without("IndividualId"), TRACK, "review", "field_unreadable:Contact.IndividualId"),
        (replace(GOOD, individual=None), TRACK, "review", "individual_unreadable"),
        (
            replace(GOOD, individual={**GOOD.individual, "ShouldForget": True}),
            TRACK,
            "block",
            "individual_refuses:Individual.ShouldForget",
        ),
        (
            replace(GOOD, individual={"ShouldForget": False}),
            TRACK,
            "review",
            "individual_unreadable:Individual.HasOptedOutProfiling",
        ),
        (consents(OPT_IN, OUT), TRACK, "block", "opted_out:ContactPointTypeConsent"),
        (
            consents(replace(OUT, purpose="CRM"), of="ContactPointConsent"),
            MAIL,
            "block",
            "opted_out:ContactPointConsent",
        ),
        # An announced refusal is one already; one that has ended says nothing any more.
        (consents(replace(OUT, effective_from=NOW + HOUR)), TRACK, "block", "opted_out"),
        (consents(replace(OUT, effective_to=NOW)), TRACK, "review", "consent_expired"),
        (consents(ENDED), TRACK, "review", "consent_expired"),
        (consents(LATER), TRACK, "review", "consent_not_yet"),
        (consents(ConsentRecord(None)), TRACK, "review", "consent_unreadable"),
        (replace(GOOD, consents={}), TRACK, "review", "consent_unreadable:ContactPointConsent"),
        (consents(), MAIL, "block", "no_consent:mail Email"),
        (consents(ENDED), MAIL, "review", "consent_expired:mail Email"),
        (consents(LATER), MAIL, "review", "consent_not_yet:mail Email"),
        (consents(replace(OPT_IN, channel="Phone")), MAIL, "block", "no_consent:mail Email"),
        (consents(replace(OPT_IN, purpose="Survey")), MAIL, "block", "no_consent:mail Email"),
        (consents(replace(OPT_IN, purpose=None)), MAIL, "block", "no_consent:mail Email"),
        (consents(replace(OPT_IN, status="Seen")), MAIL, "block", "no_consent:mail Email"),
    ],
)
def test_each_way_to_say_no_is_told(found, purpose, decision, reason):
    verdict = decide(found, purpose, unknown="review")
    assert verdict.decision == decision
    assert any(one.startswith(reason) for one in verdict.reasons), verdict.reasons
    assert {one.partition(":")[0] for one in verdict.reasons} <= set(REASONS)
    assert not decide(found, purpose, unknown="block").allow
    assert ":" not in in_words(verdict.reasons[0])


@pytest.mark.parametrize(
    "found",
    [
        consents(ENDED, OPT_IN),
        consents(replace(OUT, effective_to=NOW - HOUR, purpose="CRM"), OPT_IN),
        consents(replace(OUT, purpose="Survey"), OPT_IN),
        consents(replace(OUT, channel="Phone"), OPT_IN),
        consents(replace(OPT_IN, effective_from=NOW, effective_to=NOW + HOUR)),
    ],
)
def test_what_was_renewed_or_is_about_something_else_stands_in_nobody_s_way(found):
    assert decide(found, MAIL).allow


def test_who_has_no_individual_is_asked_for_none_where_the_policy_says_so():
    relaxed = replace(CONTACT, individual_required=False)
    empty = dict.fromkeys(CONSENT_OBJECTS, ())
    found = replace(fields(IndividualId=None), individual=None, consents=empty)
    assert decide(found, subject=relaxed).allow
    assert not decide(found, MAIL, relaxed).allow


def test_a_record_that_is_nobody_s_is_asked_for_its_fields_and_our_lists_only():
    account = SubjectRules("Account", person=False)
    found = RecordEvidence(NOW, fields={"Id": "001"})
    assert decide(found, subject=account).allow
    assert not decide(replace(found, fields=None), subject=account).allow
    # A person account is somebody's, and what is asked of persons was not asked.
    for says, allowed in ((False, True), (True, False), (None, False)):
        person = replace(found, fields={"IsPersonAccount": says})
        assert decide(person, subject=account).allow is allowed


def test_without_a_question_nothing_is_allowed():
    assert judge([], {}, "review").decision is Decision.BLOCK
    assert judge(["x"], {}, "review").reasons == ("not_answered:x",)


_SAYS = st.sampled_from(Says)
_ANSWERS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(Answer, _SAYS, st.just("source"), code=st.sampled_from(sorted(REASONS))),
)


@settings(max_examples=60)
@given(st.sets(st.sampled_from("abcdef")), _ANSWERS, st.sampled_from("abcdefg"))
def test_a_further_refusal_or_a_missing_answer_never_allows(asked, given_answers, name):
    no = Answer(Says.REFUSES, "somebody", code="opted_out")
    assert judge(asked, {**given_answers, name: no}, "review").decision is Decision.BLOCK
    fewer = {key: one for key, one in given_answers.items() if key != name}
    assert not judge(asked | {name}, fewer, "block").allow
    verdict = judge(asked, given_answers, "block")
    says = {one.says for one in given_answers.values()}
    assert verdict.allow == (bool(asked) and asked <= set(given_answers) and says == {Says.PERMITS})


def holds(one):
    begun = one.effective_from is None or one.effective_from <= NOW
    return one.status == "OptIn" and begun and (one.effective_to is None or one.effective_to > NOW)


_TIMES = st.none() | st.integers(-2, 2).map(lambda hours: NOW + hours * HOUR)
_CONSENTS = st.lists(
    st.builds(
        ConsentRecord,
        st.sampled_from(["OptIn", "OptOut", "Seen", "NotSeen", None, "Odd"]),
        st.sampled_from([None, "Email", "Phone"]),
        st.sampled_from([None, "CRM", "Survey"]),
        _TIMES,
        _TIMES,
    ),
    max_size=4,
)


@settings(max_examples=100)
@given(_CONSENTS, st.sampled_from([TRACK, MAIL]), st.data())
def test_less_evidence_or_one_more_refusal_never_allows_what_was_not(records, purpose, data):
    found = consents(*records)
    refusal = replace(OUT, purpose="CRM")
    assert not decide(consents(*records, refusal), purpose).allow
    # Each part of the evidence is needed, whatever the others say.
    parts = [
        replace(found, actions={}),
        replace(found, fields=None),
        replace(found, individual=None),
        replace(
            found, consents={**found.consents, data.draw(st.sampled_from(CONSENT_OBJECTS)): None}
        ),
        replace(found, individual={**GOOD.individual, data.draw(st.sampled_from(FLAGS)): None}),
    ]
    assert not any(decide(one, purpose).allow for one in parts)
    # A consent that holds, taken away, allows nobody.
    taken = data.draw(st.sampled_from([*records, OPT_IN]))
    fewer = [one for one in records if one is not taken or not holds(one)]
    assert decide(found, purpose).allow or not decide(consents(*fewer), purpose).allow
