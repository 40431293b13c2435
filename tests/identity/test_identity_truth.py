"""The sandbox's contacts and the truth about them: nobody twice, nobody taken for another."""

from __future__ import annotations

import random

import pytest

from syncflow_dagster.core.matching.decide import Action, Decider
from syncflow_dagster.core.matching.people import Record, normalised
from syncflow_dagster.core.matching.registry import Registry
from syncflow_dagster.core.matching.tiers import Tier
from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.faults import FaultDial
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.salesforce.runtime import Runtime
from syncflow_dagster.sandbox.salesforce.seed import parse_seed
from syncflow_dagster.sandbox.service import World

PEOPLE = {"people": {"accounts": 50, "contacts": 500, "leads": 0, "seed": 7}}
#: Cases that are one person; all but the last two are moves to another company.
ONE = ("moved_phone", "moved_linkedin", "moved_past_account", "nickname", "same_email", "merged")
MOVES = 4


@pytest.fixture(scope="module")
def made():
    """Return the contacts, the accounts and the truth."""
    clock = ManualClock()
    runtime = Runtime(World(clock, WriteLog(clock), FaultDial(), Later(clock)))
    runtime.add_seed(parse_seed(PEOPLE, "seed"), "seed")
    runtime.settle()
    tables = runtime.org.tables
    return list(tables["Contact"].latest.values()), tables["Account"].latest, runtime.truth


def _record(contact, accounts):
    account = contact["AccountId"]
    said = Record(
        record_id=contact["Id"],
        first_name=contact["FirstName"],
        last_name=contact["LastName"],
        email=contact["Email"],
        external_id=contact["External_Id__c"],
        linkedin=contact["LinkedIn__c"],
        phones=(contact["Phone"], contact["MobilePhone"]),
        account=account,
        company=accounts[account]["Name"],
        prior_account=contact.get("Past_Account__c"),
        created=contact["CreatedDate"],
        merged_into=contact.get("MasterRecordId"),
        gone=contact["IsDeleted"],
    )
    return normalised(said, ["info"])


@pytest.mark.parametrize("in_order", [True, False])
def test_every_case_is_decided_as_it_is_or_asked_about(made, in_order):
    contacts, accounts, truth = made
    if not in_order:
        contacts = random.Random(5).sample(contacts, len(contacts))
    decider = Decider(Registry(), "org/people")
    decisions = {
        one["Id"]: decider.take(_record(one, accounts), "1", first_load=True) for one in contacts
    }

    def owners(group):
        found = [decider.registry.owner(one) for one in group]
        return {one.person_id for one in found if one is not None}

    def actions(group):
        return sorted(decisions[one].action for one in group)

    for case in ONE:
        assert truth[case]
        assert {len(owners(group)) for group in truth[case]} == {1}, case
        assert all(Action.HELD not in actions(group) for group in truth[case]), case
    for case in ("namesake", "mailbox"):
        assert {len(owners(group)) for group in truth[case]} == {2}, case
    # What contradicts itself is never decided by us.
    for case in ("crowd", "spelling"):
        assert {len(owners(group)) for group in truth[case]} == {1}, case
    assert all(actions(group) == ["held", "held", "new"] for group in truth["crowd"])
    moved = {move.key for each in decisions.values() for move in each.moves}
    spelt = {f"joined:{one}" for group in truth["spelling"] for one in group}
    expected = {f"joined:{max(group)}" for case in ONE[:MOVES] for group in truth[case]}
    assert moved - spelt == expected
    for edit in truth["later"]:
        (changed,) = (one | edit["fields"] for one in contacts if one["Id"] == edit["id"])
        (move,) = decider.take(_record(changed, accounts), "later").moves
        assert (move.tier, move.former.record_id) == (Tier.SAME_RECORD, edit["id"])
