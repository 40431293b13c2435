"""The fake Salesforce's sObject collections, and the rules that records meet there."""

from __future__ import annotations

import pytest
from sf_calls import Calls

ALL = "/composite/sobjects"
PERSON = {"attributes": {"type": "Contact"}}


@pytest.fixture
def calls(salesforce):
    return Calls(salesforce)


def codes(results):
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def writes(control, after=0):
    return [(one["op"], one["key"]) for one in control.log("salesforce", after)]


def test_each_record_has_a_result_in_the_order_of_the_request(calls, control):
    one, two = calls.create({"LastName": "One", "Title": "Boss"}, {"LastName": "Two"})
    records = [
        {"id": two, "Title": "CEO"},
        {"Title": "nobody"},
        {"id": one, "Nope__c": 1},
        {"id": "003Hn0000009999AAA", "Title": "x"},
        {"id": one[:15], "Title": None},
        {"id": one, "Email": "wrong"},
    ]
    # The same Id twice is refused; so is everything else but the first.
    body = {"records": [{**PERSON, **one} for one in records]}
    results = calls.json("PATCH", ALL, json=body)
    assert codes(results) == [
        "",
        "MISSING_ARGUMENT",
        *["DUPLICATE_VALUE", "INVALID_CROSS_REFERENCE_KEY", "DUPLICATE_VALUE", "DUPLICATE_VALUE"],
    ]
    assert (results[0]["id"], results[0]["success"], results[2]["id"]) == (two, True, one)
    assert set(results[1]["errors"][0]) == {"statusCode", "message", "fields"}
    # null clears; a write that changes nothing is one all the same.
    for _ in range(2):
        cleared = {"records": [{**PERSON, "id": one, "Title": None}]}
        assert codes(calls.json("PATCH", ALL, json=cleared)) == [""]
    assert calls.get(one)["Title"] is None
    assert writes(control)[-2:] == [("update", f"Contact/{one}")] * 2

    shown = calls.json("GET", f"{ALL}/Contact?ids={two},003Hn0000009999AAA,{one}&fields=Id,Title")
    assert [one and one["Title"] for one in shown] == ["CEO", None, None]
    assert shown[1] is None
    assert (
        calls.code("POST", f"{ALL}/Contact", json={"ids": [one], "fields": ["X"]})
        == "INVALID_FIELD"
    )
    gone = calls.json("DELETE", f"{ALL}?ids={one},003zz,{one}")
    assert codes(gone) == ["", "MALFORMED_ID", "ENTITY_IS_DELETED"]
    many = {"records": [PERSON] * 201}
    assert calls.code("POST", ALL, json=many) == "EXCEEDED_ID_LIMIT"
    assert calls.code("POST", ALL, json={"records": [1]}) == "JSON_PARSER_ERROR"


def test_all_or_none_takes_everything_back(calls, control):
    before = writes(control)
    body = {"allOrNone": True, "records": [{**PERSON, "LastName": "A"}, {**PERSON, "Title": "B"}]}
    results = calls.json("POST", ALL, json=body)
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert [one["success"] for one in results] == [False, False]
    assert writes(control) == before
    [kept] = calls.create({"LastName": "Kept"})
    gone = calls.json("DELETE", f"{ALL}?ids={kept},003Hn0000009999AAA&allOrNone=true")
    assert codes(gone)[0] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert calls.get(kept)["Id"] == kept


def test_upserts_by_external_id_find_one_record_or_write_nothing(calls, control):
    [person] = calls.create({"LastName": "Tagged"})
    path = f"{ALL}/Tag_Assignment__c/Assignment_Key__c"
    tag = {"attributes": {"type": "Tag_Assignment__c"}, "Tag__c": "champion", "Contact__c": person}
    records = [{**tag, "Assignment_Key__c": key} for key in ("a", "A", "b", "b", None)]
    for created in (True, False):
        results = calls.json("PATCH", path, json={"records": records})
        assert [one.get("created") for one in results[:2]] == [created] * 2
        # Keys that differ by case are two in this field; one key twice is refused both times.
        assert codes(results)[2:] == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert len(writes(control)) == 5
    ambiguous = {"records": [{**PERSON, "Region_Code__c": "eu", "LastName": "X"}]}
    [refused] = calls.json("PATCH", f"{ALL}/Contact/Region_Code__c", json=ambiguous)
    assert refused["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"
    # By Id with null, a record is made: who updates people must not come this way.
    [made] = calls.json(
        "PATCH", f"{ALL}/Contact/Id", json={"records": [{**PERSON, "Id": None, "LastName": "New"}]}
    )
    assert made["created"]
    assert calls.send("PATCH", f"{ALL}/Contact/Title", json=ambiguous).status_code == 404


def test_a_composite_refers_to_its_earlier_parts_and_takes_all_back(calls, control):
    root = "/services/data/v60.0"
    parts = [
        ("POST", "/sobjects/Account", {"Name": "New"}, "new"),
        ("GET", "/query?q=SELECT+Id+FROM+Account+WHERE+Name='New'", None, "found"),
        (
            "POST",
            "/sobjects/Contact",
            {"LastName": "B", "AccountId": "@{found.records[0].Id}"},
            "b",
        ),
        ("PATCH", "/sobjects/Contact/@{b.id}", {"Title": "x"}, "t"),
        ("DELETE", "/sobjects/Contact/@{nobody.id}", None, "d"),
    ]
    request = [
        {
            "method": method,
            "url": root + url,
            "referenceId": name,
            **({"body": body} if body else {}),
        }
        for method, url, body, name in parts
    ]
    answers = calls.json("POST", "/composite", json={"compositeRequest": request})
    told = {one["referenceId"]: one for one in answers["compositeResponse"]}
    assert [one["httpStatusCode"] for one in told.values()] == [201, 200, 201, 204, 400]
    made = calls.get(told["b"]["body"]["id"])
    assert (made["AccountId"], made["Title"]) == (told["new"]["body"]["id"], "x")
    before = writes(control)
    together = {"compositeRequest": request, "allOrNone": True}
    answers = calls.json("POST", "/composite", json=together)["compositeResponse"]
    assert {one["body"][0]["errorCode"] for one in answers} == {"PROCESSING_HALTED"}
    assert writes(control) == before
    assert (
        calls.code("POST", "/composite", json={"compositeRequest": request * 6}) == "LIMIT_EXCEEDED"
    )

    urls = ("v60.0/limits", f"v60.0/sobjects/Contact/{made['Id']}", "v60.0/nothing", "v60.0/limits")
    batch = [{"method": "GET", "url": url} for url in urls]
    body = {"batchRequests": batch, "haltOnError": True}
    answer = calls.json("POST", "/composite/batch", json=body)
    assert [one["statusCode"] for one in answer["results"]] == [200, 200, 404]
    assert answer["hasErrors"]


def test_duplicate_rules_alert_or_block(calls, control):
    new = {"FirstName": "Anne", "LastName": "Lee", "Email": "ann.lee@acme.example"}
    body = {"records": [{**PERSON, **new}, {**PERSON, **new, "FirstName": "Bob"}]}
    save = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    control.settings("salesforce", duplicate_rules="alert")
    results = calls.json("POST", ALL, json=body)
    # The address alone is not enough: each clause of the rule compares the names too.
    assert codes(results) == ["DUPLICATES_DETECTED", ""]
    assert results[0]["errors"][0]["message"] == "Use one of these records?"
    control.settings("salesforce", duplicate_rules="block")
    body["records"].pop()
    assert codes(calls.json("POST", ALL, json=body, headers=save)) == ["DUPLICATES_DETECTED"]
    lead = {**new, "attributes": {"type": "Lead"}, "Company": "Acme"}
    assert codes(calls.json("POST", ALL, json={"records": [lead]})) == ["DUPLICATES_DETECTED"]
    control.settings("salesforce", duplicate_rules="alert")
    [saved] = calls.json("POST", ALL, json=body, headers=save)
    # A change of what the rule does not compare is no reason to look again.
    for field, code in {"Department": "", "Title": "DUPLICATES_DETECTED"}.items():
        change = {"records": [{**PERSON, "id": saved["id"], field: "x"}]}
        assert codes(calls.json("PATCH", ALL, json=change)) == [code]


def test_topics_and_members_exist_once_for_a_pair(calls):
    person, other = calls.create({"LastName": "A"}, {"LastName": "B"})
    [topic] = calls.create({"Name": "Champions"}, kind="Topic")
    [campaign] = calls.create({"Name": "Movers"}, kind="Campaign")
    pairs = {
        "TopicAssignment": {"TopicId": topic, "EntityId": person},
        "CampaignMember": {"CampaignId": campaign, "ContactId": person},
    }
    for kind, pair in pairs.items():
        [made] = calls.create(pair, kind=kind)
        record = {"attributes": {"type": kind}, **pair}
        [again] = calls.json("POST", ALL, json={"records": [record]})
        assert codes([again]) == ["DUPLICATE_VALUE"]
        assert calls.send("DELETE", f"/sobjects/{kind}/{made}").status_code == 204
        calls.create(pair, kind=kind)
    update = {"attributes": {"type": "TopicAssignment"}, "id": made, "EntityId": other}
    assert codes(calls.json("PATCH", ALL, json={"records": [update]})) == [
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    ]
    nobody = {"attributes": {"type": "CampaignMember"}, "CampaignId": campaign}
    assert codes(calls.json("POST", ALL, json={"records": [nobody]})) == [
        "FIELD_INTEGRITY_EXCEPTION"
    ]


def test_a_written_record_locks_its_parent_for_other_requests(calls, control, clock):
    acme, globex = calls.create({"Name": "A"}, {"Name": "G"}, kind="Account")
    ids = calls.create(*({"LastName": f"P{n}", "AccountId": acme} for n in range(3)))
    other = calls.create({"LastName": "Q", "AccountId": globex})
    control.settings("salesforce", lock_s=5.0)

    def update(*records):
        body = {"records": [{**PERSON, "id": one, "Title": "x"} for one in records]}
        return codes(calls.json("PATCH", ALL, json=body))

    assert update(ids[0], ids[1]) == ["", ""]
    assert update(ids[2], *other) == ["UNABLE_TO_LOCK_ROW", ""]
    job = calls.ingest("update", f"Id,Title\n{ids[2]},y\n")
    [failed] = calls.outcome(job, "failedResults")
    assert failed["sf__Error"] == (
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: "
        f"{acme}:--"
    )
    clock.advance(5)
    assert update(ids[2]) == [""]


def test_faults_of_a_collection(calls, control, clock):
    ids = calls.create(*({"LastName": f"P{n}"} for n in range(5)))
    body = {"records": [{**PERSON, "id": one, "Title": "x"} for one in ids]}
    start = len(control.log("salesforce"))

    def fault(kind, **more):
        control.clear_faults()
        control.faults(service="salesforce", kind=kind, op="collections", times=1, **more)

    fault("partial")
    assert sorted(codes(calls.json("PATCH", ALL, json=body))) == [*[""] * 4, "UNABLE_TO_LOCK_ROW"]
    fault("partial", code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in codes(calls.json("PATCH", ALL, json=body))
    for kind, status in (("error_before", 500), ("throttle", 403), ("html_error", 502)):
        fault(kind)
        assert calls.send("PATCH", ALL, json=body).status_code == status
    assert len(writes(control, start)) == 8
    fault("error_after")
    assert calls.send("PATCH", ALL, json=body).status_code == 500
    fault("lost_reply")
    with pytest.raises(OSError, match=r"aborted|closed"):
        calls.send("PATCH", ALL, json=body)
    assert len(writes(control, start)) == 18
    fault("late_apply", after_s=2, reply="timeout")
    assert calls.send("PATCH", ALL, json=body).status_code == 503
    assert len(writes(control, start)) == 18
    clock.advance(3)
    assert len(writes(control, start)) == 23
