"""The fake org over HTTP: queries, single records, describe, replication, limits, faults."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
import requests

SELECT = "SELECT Id, Name, Account.Name, Account.Parent.Name, MailingAddress, CreatedDate"


def _ids(salesforce, condition="Name != null", **more):
    found = salesforce.rows(f"SELECT Id FROM Contact WHERE {condition} ORDER BY Id", **more)
    return [row["Id"] for row in found]


def test_rows_show_parents_and_addresses_within_them(salesforce):
    ann, zoe, brien = salesforce.rows(f"{SELECT} FROM Contact ORDER BY Id")
    assert ann["attributes"] == {
        "type": "Contact",
        "url": f"/services/data/v60.0/sobjects/Contact/{ann['Id']}",
    }
    assert ann["Account"]["attributes"]["type"] == "Account"
    assert (ann["Account"]["Name"], ann["Account"]["Parent"]) == ("Acme", None)
    assert brien["Account"]["Parent"]["Name"] == "Acme"
    assert (zoe["Name"], zoe["Account"], zoe["MailingAddress"]) == ("Zoë", None, None)
    assert ann["MailingAddress"]["city"] == "Paris"
    assert ann["CreatedDate"].endswith(".000+0000")
    pretty = salesforce.send(
        "GET",
        "/query/",
        params={"q": "SELECT count() FROM Contact"},
        headers={"X-PrettyPrint": "1"},
    )
    assert pretty.text == '{\n  "totalSize" : 3,\n  "done" : true,\n  "records" : []\n}'
    [group] = salesforce.rows("SELECT COUNT(Id) n FROM Contact")
    assert group == {"attributes": {"type": "AggregateResult"}, "n": 3}


def test_pages_go_on_by_a_locator_that_ends(salesforce, control, clock):
    control.settings(service="salesforce", page_size=2, locator_ttl_s=60.0)
    first = salesforce.get("/queryAll", params={"q": "SELECT Id FROM Contact ORDER BY Id"})
    assert (first["totalSize"], first["done"], len(first["records"])) == (3, False, 2)
    # Further pages of queryAll are below /query/ too; a page can be asked for again.
    assert "/query/01g" in first["nextRecordsUrl"]
    rest = [salesforce.get(first["nextRecordsUrl"]) for _ in range(2)]
    assert rest[0] == rest[1]
    assert (rest[0]["done"], "nextRecordsUrl" in rest[0]) == (True, False)
    assert [r["Id"] for r in first["records"] + rest[0]["records"]] == _ids_unpaged(salesforce)
    other = salesforce.tokens["restricted_session"]
    gone = (400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    assert salesforce.error("GET", first["nextRecordsUrl"], token=other) == gone
    # The eleventh open cursor closes the oldest.
    eleven = [
        salesforce.get("/query", params={"q": "SELECT Id FROM Contact"})["nextRecordsUrl"]
        for _ in range(10)
    ]
    assert salesforce.error("GET", first["nextRecordsUrl"]) == gone
    assert salesforce.get(eleven[0])["done"]
    clock.advance(61)
    assert salesforce.error("GET", eleven[-1]) == gone


def _ids_unpaged(salesforce):
    found = [row["Id"] for row in salesforce.rows("SELECT Id FROM Contact ORDER BY Id LIMIT 2")]
    return found + [
        r["Id"] for r in salesforce.rows("SELECT Id FROM Contact ORDER BY Id LIMIT 2 OFFSET 2")
    ]


def test_refusals_have_the_service_s_words(salesforce):
    query = {"q": "select count() from XYZZY"}
    status, code, text = salesforce.error("GET", "/query", params=query)
    assert (status, code) == (400, "INVALID_TYPE")
    assert text.startswith("\nselect count() from XYZZY\n")
    assert "ERROR at Row:1:Column:21\nsObject type 'XYZZY' is not supported." in text
    assert salesforce.error("GET", "/nothing") == (
        404,
        "NOT_FOUND",
        "The requested resource does not exist",
    )
    assert salesforce.error("PUT", "/limits")[:2] == (405, "METHOD_NOT_ALLOWED")
    assert salesforce.error("GET", "/limits", version="20.0")[:2] == (
        410,
        "UNSUPPORTED_API_VERSION",
    )
    assert salesforce.error("GET", "/limits", token="nobody") == (
        401,
        "INVALID_SESSION_ID",
        "Session expired or invalid",
    )
    long = salesforce.send("GET", "/query", params={"q": "x" * 16_400})
    assert (long.status_code, long.headers["Content-Type"]) == (431, "text/html; charset=utf-8")
    assert salesforce.error("POST", "/sobjects/Contact", data="{")[1] == "JSON_PARSER_ERROR"


def test_a_record_lives_and_dies(salesforce, control):
    seq = len(control.log("salesforce"))
    made = salesforce.send(
        "POST",
        "/sobjects/Contact/",
        json={
            "FirstName": " Chloe ",
            "LastName": "Myers",
            "Email": "Chloe.Myers@Example.com",
            "Account": {"External_Id__c": "a-2"},
            "Champion_Tags__c": "moved;champion",
        },
    )
    assert made.status_code == 201
    path = f"/sobjects/Contact/{made.json()['id']}"
    assert made.json() == {"id": made.json()["id"], "success": True, "errors": []}
    short = path[:-3]
    assert salesforce.send("PATCH", short, json={"Title": "x", "Phone": ""}).status_code == 204
    seen = salesforce.get(f"{path}?fields=Name,Email,Title,Phone,Champion_Tags__c")
    assert [seen[name] for name in ("Name", "Email", "Title", "Phone", "Champion_Tags__c")] == [
        "Chloe Myers",
        "chloe.myers@example.com",
        "x",
        None,
        "champion;moved",
    ]
    assert salesforce.send("DELETE", path).status_code == 204
    assert salesforce.error("GET", path) == (404, "ENTITY_IS_DELETED", "entity is deleted")
    assert salesforce.error("DELETE", path)[1] == "ENTITY_IS_DELETED"
    assert salesforce.error("PATCH", "/sobjects/Contact/003Hn0000000zzz", json={})[:2] == (
        404,
        "NOT_FOUND",
    )
    log = control.log("salesforce")[seq:]
    key = f"Contact/{made.json()['id']}"
    assert [(one["op"], one["key"]) for one in log] == [
        ("create", key),
        ("update", key),
        ("delete", key),
    ]
    assert log[1]["payload"] == {"Title": "x", "Phone": None}


def test_external_ids_find_create_and_refuse(salesforce):
    by = "/sobjects/Contact/External_Id__c/"
    found = salesforce.get(f"{by}C%2F2%20%C3%A9")
    assert found["Name"] == "Zoë"
    new = salesforce.send("PATCH", f"{by}new%3Fa", json={"LastName": "New"})
    assert (new.status_code, new.json()["created"]) == (201, True)
    again = salesforce.send("PATCH", f"{by}NEW%3FA", json={"Title": "t"})
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert again.json()["id"] == new.json()["id"]
    assert salesforce.get(f"/sobjects/Contact/{new.json()['id']}")["External_Id__c"] == "new?a"
    absent = salesforce.error("PATCH", f"{by}nobody?updateOnly=true", json={"LastName": "x"})
    assert absent[:2] == (404, "NOT_FOUND")
    # A path that climbs out of the external id is no path of another record.
    climbing = f"{by}..%2F..%2FAccount%2F001"
    assert salesforce.error("GET", climbing)[:2] == (404, "NOT_FOUND")
    several = salesforce.send("PATCH", "/sobjects/Contact/Region_Code__c/eu", json={"Title": "x"})
    assert several.status_code == 300
    assert salesforce.send("GET", "/sobjects/Contact/Region_Code__c/eu").status_code == 300
    assert sorted(several.json()) == [
        f"/services/data/v60.0/sobjects/Contact/{one}" for one in _ids(salesforce)[1:3]
    ]
    assert salesforce.rows("SELECT Id FROM Contact WHERE Title = 'x'") == []
    assert salesforce.error("PATCH", "/sobjects/Contact/Name/x", json={})[1] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", "max length=128"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nobody"),
        ({"Champion_Tags__c": "champion;gone"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "gone"),
        ({"AccountId": "nonsense"}, "MALFORMED_ID", "id value of incorrect type"),
        ({"AccountId": "003Hn0000000zzz"}, "FIELD_INTEGRITY_EXCEPTION", "incorrect type"),
        ({"AccountId": "001Hn0000000zzz"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross"),
        ({"External_Id__c": "c-1"}, "DUPLICATE_VALUE", "duplicate value found: External_Id__c"),
        ({"Score__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Score__c"),
        ({"Nope__c": 1}, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Contact"),
        ({"Birthdate": "2024-02-30"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "2024-02-30"),
        ({"Account": {"External_Id__c": "A-9"}}, "INVALID_FIELD", "Foreign key external ID: a-9"),
    ],
)
def test_values_are_checked(salesforce, values, code, text):
    sent = {"LastName": "x"} | values if values else {}
    status, got, message = salesforce.error("POST", "/sobjects/Contact", json=sent)
    assert (status, got) == (400, code)
    assert text in message


def test_fields_and_objects_are_hidden_from_those_who_may_not_see_them(salesforce, control):
    less = salesforce.tokens["restricted_session"]

    def fields(**more):
        return {
            one["name"] for one in salesforce.get("/sobjects/Contact/describe", **more)["fields"]
        }

    hidden = {"HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"}
    assert fields() - fields(token=less) == hidden
    query = {"q": "SELECT DoNotCall FROM Contact"}
    assert salesforce.get("/query", params=query)["done"]
    assert (
        "No such column 'DoNotCall'"
        in salesforce.error("GET", "/query", params=query, token=less)[2]
    )
    path = f"/sobjects/Contact/{_ids(salesforce)[0]}"
    assert (
        salesforce.error("PATCH", path, json={"DoNotCall": True}, token=less)[1] == "INVALID_FIELD"
    )
    assert "DoNotCall" not in salesforce.get(path, token=less)
    assert salesforce.error("GET", "/sobjects/Individual/describe", token=less)[0] == 404
    refused = salesforce.error(
        "GET", "/query", params={"q": "SELECT Id FROM Individual"}, token=less
    )
    assert refused[1] == "INVALID_TYPE"
    every = "SELECT Id FROM TopicAssignment"
    refused = salesforce.error("GET", "/query", params={"q": every}, token=less)
    assert refused[:2] == (400, "MALFORMED_QUERY")
    for few in (" LIMIT 1100", f" WHERE EntityId = '{_ids(salesforce)[0]}' AND Id != null"):
        assert salesforce.rows(every + few, token=less) == []
    [individual] = salesforce.rows("SELECT Id FROM Individual")
    control.settings(
        service="salesforce", hidden_fields=["contact.title"], private=[individual["Id"]]
    )
    assert "Title" not in fields()
    assert salesforce.rows("SELECT Id FROM Individual") == []
    names = {one["name"] for one in salesforce.get("/sobjects")["sobjects"]}
    assert {"Contact", "Tag_Assignment__c", "Individual"} <= names
    control.settings(service="salesforce", privacy_enabled=False)
    names = {one["name"] for one in salesforce.get("/sobjects")["sobjects"]}
    assert "Individual" not in names


def test_describe_tells_types_and_rights(salesforce):
    described = {one["name"]: one for one in salesforce.get("/sobjects/contact/describe")["fields"]}
    wanted = {
        "Email": {"type": "email", "length": 80, "nillable": True, "filterable": True},
        "Description": {"type": "textarea", "filterable": False, "sortable": False},
        "MailingCity": {"compoundFieldName": "MailingAddress"},
        "MailingAddress": {"type": "address", "filterable": True, "createable": False},
        "AccountId": {"referenceTo": ["Account"], "relationshipName": "Account"},
        "External_Id__c": {"externalId": True, "unique": True, "idLookup": True, "custom": True},
        "Score__c": {"calculated": True, "createable": False, "precision": 18, "scale": 2},
        "Champion_Tags__c": {"type": "multipicklist", "restrictedPicklist": True},
    }
    for name, said in wanted.items():
        assert {key: described[name][key] for key in said} == said, name
    first = described["Champion_Status__c"]["picklistValues"][0]
    assert (first["value"], first["active"]) == ("Active", True)


def test_a_late_commit_is_stamped_before_others_see_it(salesforce, control, clock):
    control.settings(service="salesforce", commit_skew_s=30.0)
    path = f"/sobjects/Contact/{_ids(salesforce)[0]}"
    clock.advance(60 - clock.wall().second)
    before = clock.wall()
    assert salesforce.send("PATCH", path, json={"Title": "late"}).status_code == 204
    clock.advance(10)
    made = salesforce.send("POST", "/sobjects/Contact", json={"LastName": "Late"}).json()["id"]
    window = {"start": "2026-10-20T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
    covered = salesforce.get("/sobjects/Contact/updated/", params=window)["latestDateCovered"]
    assert covered == f"{before:%Y-%m-%dT%H:%M:%S}.000+0000"
    assert salesforce.rows("SELECT Id FROM Contact WHERE Title = 'late'") == []
    clock.advance(20)
    [row] = salesforce.rows("SELECT SystemModstamp FROM Contact WHERE Title = 'late'")
    assert row["SystemModstamp"] == covered
    assert salesforce.send("GET", f"/sobjects/Contact/{made}").status_code == 404
    clock.advance(10)
    assert salesforce.get(f"/sobjects/Contact/{made}")["LastName"] == "Late"
    assert made in salesforce.get("/sobjects/Contact/updated/", params=window)["ids"]


def test_what_others_do_is_seen_and_not_logged(salesforce, control, clock):
    ann, zoe, brien = _ids(salesforce)
    clock.advance(5)
    start = clock.wall()

    def edit(op, record, **more):
        return {"op": op, "object": "Contact", "id": record, **more}

    edits = [
        edit("update", ann, fields={"Score__c": 9}, stamp="none"),
        edit("update", brien, fields={"LeadSource": "Web"}, stamp="system"),
        edit("merge", ann, losers=[zoe]),
    ]
    made = {"LastName": "Below", "ReportsToId": zoe}
    below = salesforce.send("POST", "/sobjects/Contact", json=made).json()["id"]
    logged = control.log("salesforce")
    control.settings(service="salesforce", edits=edits)
    assert control.log("salesforce") == logged
    stamps = "SELECT Id, Score__c, LastModifiedDate, SystemModstamp, IsDeleted, MasterRecordId"
    rows = {row["Id"]: row for row in salesforce.rows(f"{stamps} FROM Contact", "/queryAll")}
    assert rows[brien]["LastModifiedDate"] < rows[brien]["SystemModstamp"]
    assert (rows[ann]["Score__c"], rows[ann]["IsDeleted"]) == (9.0, False)
    assert (rows[zoe]["IsDeleted"], rows[zoe]["MasterRecordId"]) == (True, ann)
    assert _ids(salesforce) == [ann, brien, below]
    assert salesforce.get(f"/sobjects/Contact/{below}")["ReportsToId"] == ann
    window = {"start": "2026-10-20T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
    gone = salesforce.get("/sobjects/Contact/deleted/", params=window)
    assert [one["id"] for one in gone["deletedRecords"]] == [zoe]
    assert gone["latestDateCovered"] == f"{start:%Y-%m-%dT%H:%M:%S}.000+0000"
    # After fifteen days in the bin nothing shows it any more.
    clock.advance(16 * 86_400)
    assert zoe not in {row["Id"] for row in salesforce.rows("SELECT Id FROM Contact", "/queryAll")}
    early = {"start": "2026-10-01T00:00:00Z", "end": "2026-10-29T00:00:00Z"}
    refused = salesforce.error("GET", "/sobjects/Contact/deleted", params=early)
    assert refused[:2] == (400, "INVALID_REPLICATION_DATE")
    with pytest.raises(Exception, match="edits: there is no object 'Nope'"):
        control.settings(service="salesforce", edits=[{"op": "create", "object": "Nope"}])


def test_the_quota_is_told_and_ends(salesforce, control, clock):
    control.settings(service="salesforce", daily_requests=2)
    answer = salesforce.send("GET", "/limits")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/2"
    assert parsedate_to_datetime(answer.headers["Date"]) == clock.wall().replace(microsecond=0)
    assert answer.json()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    counted = salesforce.send("GET", "/limits/recordCount?sObjects=Contact,Account")
    assert counted.json() == {
        "sObjects": [{"count": 3, "name": "Contact"}, {"count": 2, "name": "Account"}]
    }
    assert salesforce.error("GET", "/query") == (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    )
    assert control.stats()["salesforce"]["throttled"] == 1
    clock.advance(86_400)
    assert salesforce.send("GET", "/limits").ok


def test_faults_hit_by_operation(salesforce, control, clock):
    path = f"/sobjects/Contact/{_ids(salesforce)[0]}"

    def fault(kind, op, **more):
        control.clear_faults()
        control.faults(service="salesforce", kind=kind, op=op, **more)

    def title():
        return salesforce.rows("SELECT Title FROM Contact ORDER BY Id LIMIT 1")[0]["Title"]

    fault("throttle", "query", limit="concurrency")
    assert "ConcurrentRequests" in salesforce.error("GET", "/query")[2]
    assert salesforce.send("GET", "/limits").ok
    fault("html_error", "limits", status=503)
    assert "<html>" in salesforce.send("GET", "/limits").text
    fault("error_before", "query", status=400)
    assert salesforce.error("GET", "/query")[1] == "QUERY_TIMEOUT"
    fault("partial", "write")
    assert salesforce.error("PATCH", path, json={"Title": "no"})[1] == "UNABLE_TO_LOCK_ROW"
    fault("error_after", "sobject", status=503)
    assert salesforce.send("PATCH", path, json={"Title": "after"}).status_code == 503
    fault("lost_reply", "sobject", text="lost")
    with pytest.raises(requests.ConnectionError):
        salesforce.send("PATCH", path, json={"Title": "lost"})
    assert title() == "lost"
    fault("late_apply", "sobject", after_s=5, reply="timeout")
    assert salesforce.send("PATCH", path, json={"Title": "late"}).status_code == 503
    assert title() == "lost"
    clock.advance(6)
    assert title() == "late"
    fault("stale_reads", "query", lag_s=5.5)
    assert title() == "lost"
    control.clear_faults()
    for wrong in (
        {"kind": "locked"},
        {"kind": "slow", "op": "create_item", "delay_s": 1},
        {"kind": "throttle", "limit": "minute"},
    ):
        with pytest.raises(Exception, match="Salesforce has no"):
            control.faults({"service": "salesforce", **wrong})
