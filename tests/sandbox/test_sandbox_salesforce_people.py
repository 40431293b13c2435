"""The made-up people are as hard to tell apart as the truth about them says, and no others are."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.faults import FaultDial
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.monday.seed import SeedError
from syncflow_dagster.sandbox.salesforce.rest_query import page_size
from syncflow_dagster.sandbox.salesforce.runtime import Runtime
from syncflow_dagster.sandbox.salesforce.seed import SalesforceSeedError, parse_seed
from syncflow_dagster.sandbox.salesforce.users import INTEGRATION
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.sandbox.service import World

FLAGS = {
    "HasOptedOutProcessing",
    "HasOptedOutProfiling",
    "HasOptedOutSolicit",
    "HasOptedOutTracking",
    "ShouldForget",
}
OWN = {"HasOptedOutOfEmail", "DoNotCall", "HasOptedOutOfFax"}


def _runtime(document):
    clock = ManualClock()
    runtime = Runtime(World(clock, WriteLog(clock), FaultDial(), Later(clock)))
    runtime.add_seed(parse_seed(document, "seed"), "seed")
    runtime.settle()
    return runtime


def _made(seed=7):
    return _runtime({"people": {"accounts": 20, "contacts": 500, "leads": 5, "seed": seed}})


@pytest.fixture(scope="module")
def runtime():
    return _made()


@pytest.fixture(scope="module")
def contacts(runtime):
    return runtime.org.tables["Contact"].latest


def _digits(contact):
    return re.sub(r"\D", "", contact["MobilePhone"] or "")


def _slug(contact):
    found = re.search(r"/in/([^/?]+)", (contact["LinkedIn__c"] or "").lower())
    return found and found[1]


def _shared(first, second):
    """What two contacts have in common."""
    return {
        "name": first["Name"] == second["Name"],
        "email": first["Email"].lower() == second["Email"].lower(),
        "phone": _digits(first) == _digits(second),
        "linkedin": _slug(first) is not None and _slug(first) == _slug(second),
        "past": second.get("Past_Account__c") == first["AccountId"],
    }


@pytest.mark.parametrize(
    ("case", "common"),
    [
        ("moved_phone", {"name", "phone"}),
        ("moved_linkedin", {"name", "linkedin"}),
        ("moved_past_account", {"name", "past"}),
        ("namesake", {"name"}),
        ("same_email", {"name", "email"}),
        ("mailbox", {"email"}),
        ("nickname", {"linkedin"}),
    ],
)
def test_pairs_have_in_common_what_the_case_says(runtime, contacts, case, common):
    pairs = runtime.truth[case]
    assert len(pairs) == 5
    for first, second in ((contacts[a], contacts[b]) for a, b in pairs):
        assert {name for name, same in _shared(first, second).items() if same} == common
        if case.startswith("moved") or case == "namesake":
            assert first["AccountId"] != second["AccountId"]


def test_the_other_cases(runtime, contacts):
    for crowd in runtime.truth["crowd"]:
        assert len({(contacts[one]["Name"], _digits(contacts[one])) for one in crowd}) == 1
    for first, second in runtime.truth["spelling"]:
        assert _shared(contacts[first], contacts[second])["phone"]
    for contact, lead in runtime.truth["lead"]:
        found = runtime.org.tables["Lead"].latest[lead]
        assert found["Email"] == contacts[contact]["Email"]
    for master, gone in runtime.truth["merged"]:
        assert (contacts[gone]["IsDeleted"], contacts[gone]["MasterRecordId"]) == (True, master)
    for edit in runtime.truth["later"]:
        assert contacts[edit["id"]]["AccountId"] != edit["fields"]["AccountId"]
        assert contacts[edit["id"]]["Email"] != edit["fields"]["Email"]


def test_nobody_else_is_hard_to_tell(runtime, contacts):
    hard = {
        one
        for case, groups in runtime.truth.items()
        if case not in ("consent", "later")
        for group in groups
        for one in group
    }
    easy = [one for record_id, one in contacts.items() if record_id not in hard]
    assert len(easy) > 300
    for key in (lambda one: one["Name"], lambda one: one["Email"], _digits, _slug):
        counts = Counter(key(one) for one in contacts.values())
        assert {counts[key(one)] for one in easy} == {1}


def test_everyone_s_consent_is_as_the_truth_says(runtime, contacts):
    org = runtime.org
    given = {one["PartyId"]: one for one in org.visible("ContactPointTypeConsent")}
    known = runtime.truth["consent"]
    assert set(Counter(known.values()).values()) == {10}
    for record_id, contact in contacts.items():
        reason = known.get(record_id)
        says = {name for name in OWN if contact[name]}
        individual_id = contact["IndividualId"]
        if individual_id is None:
            assert reason == "no_individual"
            continue
        hidden = org.get("Individual", individual_id, viewer=INTEGRATION) is None
        individual = org.get("Individual", individual_id)
        says |= {name for name in FLAGS if individual[name]}
        says |= {"individual_hidden"} if hidden else set()
        says |= {"bounced"} if contact["IsEmailBounced"] else set()
        consent = given.get(individual_id)
        if consent is not None:
            says.add(_consent(consent, org.now()))
        assert says == ({reason} - {None})


def _consent(consent, now):
    if consent["PrivacyConsentStatus"] == "OptOut":
        return "email_opt_out"
    assert consent["PrivacyConsentStatus"] == "OptIn"
    return "email_expired" if consent["EffectiveTo"] < now else "email_not_yet"


def test_the_same_seed_makes_the_same_people_with_equal_stamps(runtime, contacts):
    again = _made().org.tables["Contact"].latest
    assert again == contacts
    assert _made(8).org.tables["Contact"].latest != contacts
    stamps = Counter(one["CreatedDate"] for one in contacts.values())
    assert max(stamps.values()) > 100
    assert max(stamps) < runtime.org.now() - timedelta(hours=20)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"boards": []}, "seed: boards: Extra inputs"),
        ({"records": {"Nope": [{}]}}, "seed: records.Nope: there is no such object"),
        ({"records": {"Contact": [{"Nope": 1}]}}, r"records.Contact\[0\]: Contact has no field"),
        ({"records": {"Contact": [{"AccountId": "@x"}]}}, "'@x' is the key of no record"),
        ({"records": {"Contact": [{"Email": "x"}]}}, "invalid email address"),
        ({"people": {"contacts": -1}}, "people.contacts"),
    ],
)
def test_a_seed_that_says_nothing_usable_is_refused(document, text):
    with pytest.raises(SalesforceSeedError, match=text):
        _runtime(document)


@pytest.mark.parametrize(
    ("header", "most", "size"),
    [
        ("", 2_000, 2_000),
        ("batchSize=500", 2_000, 500),
        ("batchsize = 10", 2_000, 200),
        ("batchSize=5000", 2_000, 2_000),
        ("batchSize=500", 100, 100),
    ],
)
def test_a_page_is_as_long_as_asked_within_bounds(header, most, size):
    assert page_size(header, most) == size


def test_seed_files_go_to_the_service_they_name(tmp_path):
    def seeded(text):
        path = tmp_path / "seed.json"
        path.write_text(text)
        return SandboxServer([path])

    server = seeded('{"service": "salesforce", "records": {"Topic": [{"Name": "Moved"}]}}')
    [topic] = server._services["salesforce"].state()["records"]["Topic"]
    assert topic["Name"] == "Moved"
    assert server._services["monday"].state()["boards"] == []
    with pytest.raises(SeedError, match=r"seed.json: service: 'nope' is not one of the sandbox's"):
        seeded('{"service": "nope"}')
    with pytest.raises(SeedError, match=r"seed.json: records.Nope: there is no such object"):
        seeded('{"service": "salesforce", "records": {"Nope": []}}')
