"""Records, files and consent against the sandbox, whose log and state are the judge."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Unknown
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.salesforce import ingest, writing
from syncflow_dagster.nodes.salesforce.consent import Consent, consents
from syncflow_dagster.nodes.salesforce.ingest_csv import file_of, key_of

NOBODY = "003000000000000AAA"


@pytest.fixture
def contacts(org):
    """Ids of contacts by last name."""
    records = org.control.state("salesforce")["records"]["Contact"]
    return {one["LastName"]: one["Id"] for one in records}


def fields(org, record_id):
    records = org.control.state("salesforce")["records"]
    return next(r for many in records.values() for r in many if r["Id"] == record_id)


def kinds(outcomes):
    return [type(one) for one in outcomes]


def test_collections_write_what_they_say_and_nothing_twice(org, contacts):
    client = org.client()
    one, two, three = (contacts[f"Plain {n:03}"] for n in range(3))
    found = writing.update(client, "Contact", [
        {"Id": one, "Title": "Chief", "Is_Champion__c": True, "Birthdate": None},
        {"Id": NOBODY, "Title": "Nobody"},
        {"Id": two, "Champion_Status__c": "no such value"},
        {"Id": three, "Score__c": 5},
    ])  # fmt: skip
    assert kinds(found.outcomes) == [Done, Reject, Reject, Reject]
    assert found.outcomes[1].gone
    assert (fields(org, one)["Title"], fields(org, one)["Is_Champion__c"]) == ("Chief", True)
    writing.update(client, "Contact", [{"Id": one, "Title": None}])
    assert "Title" not in fields(org, one)

    tags = [{"Assignment_Key__c": f"k/{n}", "Contact__c": one, "Tag__c": "x"} for n in (1, 2)]
    for expected in ({0, 1}, set()):
        upsert = writing.upsert(client, "Tag_Assignment__c", "Assignment_Key__c", tags)
        assert (kinds(upsert.outcomes), set(upsert.created)) == ([Done, Done], expected)
    hidden = org.client({"type": "session", "token": org.tokens["restricted_session"]})
    unseen = writing.update(hidden, "Contact", [{"Id": one, "DoNotCall": True}])
    assert kinds(unseen.outcomes) == [Reject]
    org.fault("partial", op="collections", times=1)
    locked = writing.update(
        client, "Contact", [{"Id": one, "Title": "a"}, {"Id": two, "Title": "b"}]
    )
    assert sorted(kinds(locked.outcomes), key=str) == sorted([Done, Retry], key=str)
    org.fault("error_after", op="collections", times=1)
    unclear = writing.update(client, "Contact", [{"Id": one, "Title": "c"}])
    assert kinds(unclear.outcomes) == [Unknown]
    assert fields(org, one)["Title"] == "c"
    org.fault("throttle", op="collections", times=1, limit="concurrency")
    busy = writing.update(client, "Contact", [{"Id": one, "Title": "d"}])
    assert (kinds(busy.outcomes), busy.outcomes[0].counts) == ([Retry], False)
    made = writing.create(client, "Contact", [{"LastName": "Made"}])
    gone = writing.delete(client, [made.outcomes[0].remote_id, NOBODY])
    assert kinds(gone.outcomes) == [Done, Reject]


def test_a_job_empties_fields_finds_its_lines_again_and_survives_a_session_that_ends(org, contacts):
    client = org.client()
    org.settings(bulk_poll_s=3.0)
    ids = [contacts[f"Plain {n:03}"] for n in range(10, 13)]
    writing.update(client, "Contact", [{"Id": ids[0], "Title": "before"}])
    rows = [[ids[0], None], [ids[1], 'Zoë,\n\u2028"x"'], [ids[2], "t" * 500], [NOBODY, "x"]]
    for op in ("bulk_ingest", "bulk_results"):
        org.fault("expired_session", op=op, nth=2, times=1)
    job = ingest.open_job(client, "Contact", "update")
    assert isinstance(job, str)
    assert ingest.upload(client, job, file_of(["Id", "Title"], rows)) is None
    assert ingest.close(client, job) is None
    while not (state := ingest.look(client, job)).ended:
        client.wait(1.0)
    assert (state.state, state.processed, state.failed) == (ingest.COMPLETE, 4, 2)
    keys = [key_of([one[0]]) for one in rows]
    found = ingest.results(client, job, ["Id"], [*keys, ("other",)])
    assert kinds(found[key] for key in keys) == [Done, Done, Reject, Reject]
    assert "STRING_TOO_LONG" in found[keys[2]].reason
    assert "Title" in found[keys[2]].reason
    assert found[keys[3]].gone
    assert isinstance(found["other",], Unknown)
    assert "Title" not in fields(org, ids[0])
    assert fields(org, ids[1])["Title"] == rows[1][1]
    assert org.hits() == 2

    # What no result file of an ended job tells of is never taken as done.
    job = ingest.open_job(client, "Contact", "update")
    ingest.upload(client, job, file_of(["Id", "Title"], [[ids[0], "never"]]))
    ingest.close(client, job)
    ingest.abort(client, job)
    state = ingest.look(client, job)
    assert (state.ended, state.state) == (True, ingest.ABORTED)
    assert kinds(ingest.results(client, job, ["Id"], keys[:1]).values()) == [Unknown]
    assert "Title" not in fields(org, ids[0])


def test_consent_is_the_orgs_word_or_none(org, contacts):
    client = org.client()
    state = org.control.state("salesforce")["records"]
    lead = next(one["Id"] for one in state["Lead"] if one["LastName"] == "No")
    plain = contacts["Plain 001"]
    found = consents(client, ["solicit", "process"], [lead, plain, "nonsense", NOBODY])
    assert found[lead] == {"solicit": Consent.REFUSED, "process": Consent.ALLOWED}
    # Without an Individual the org has nothing to tell.
    for one in (plain, "nonsense", NOBODY):
        assert set(found[one].values()) == {Consent.UNREADABLE}
    assert consents(client, ["email"], [plain])[plain] == {"email": Consent.ALLOWED}
    restricted = org.client({"type": "session", "token": org.tokens["restricted_session"]})
    assert consents(restricted, ["email"], [plain])[plain] == {"email": Consent.UNREADABLE}
    org.fault("html_error", op="consent")
    with pytest.raises(SourceUnavailableError, match="Consent API"):
        consents(client, ["solicit"], [plain])
