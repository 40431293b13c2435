"""Records by collections and by bulk files: what goes out, and what became of each."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from scripted import Scripted, answer, error

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce import ingest, writing
from syncflow_dagster.nodes.salesforce.answers import Answer, NoAnswer
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import JobGone
from syncflow_dagster.nodes.salesforce.ingest_csv import NotSendable, cell, file_of, key_of

ONE, TWO = "0035g00000AAAAAAA1", "0035g00000BBBBBBB2"
LOCKED = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy",
                                        "fields": []}]}  # fmt: skip


def test_records_are_changed_by_id_and_told_of_in_their_order():
    client = Scripted(answer([{"id": ONE, "success": True, "errors": []}, LOCKED]))
    found = writing.update(
        client, "Contact", [{"Id": ONE, "Title": None, "X__c": True}, {"Id": TWO, "Title": "é"}]
    )
    assert found.outcomes == [
        Done(ONE),
        Retry("busy · UNABLE_TO_LOCK_ROW; somebody else has the record locked"),
    ]
    assert client.asked == [("PATCH", "composite/sobjects", {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Contact"}, "id": ONE, "Title": None, "X__c": True},
            {"attributes": {"type": "Contact"}, "id": TWO, "Title": "é"},
        ],
    })]  # fmt: skip


def test_upserts_go_by_an_external_id_and_say_who_was_made():
    client = Scripted(answer([{"id": ONE, "success": True, "created": True},
                              {"id": TWO, "success": True, "created": False}]))  # fmt: skip
    found = writing.upsert(
        client, "Tag_Assignment__c", "Key__c", [{"Key__c": "a"}, {"Key__c": "b"}]
    )
    assert (found.outcomes, found.created) == ([Done(ONE), Done(TWO)], {0: ONE})
    assert client.asked[0][:2] == ("PATCH", "composite/sobjects/Tag_Assignment__c/Key__c")
    client = Scripted(answer([LOCKED, LOCKED]))
    writing.delete(client, [ONE, TWO])
    assert client.asked == [
        ("DELETE", "composite/sobjects", {"ids": f"{ONE},{TWO}", "allOrNone": "false"})
    ]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (NoAnswer("cut", sent=True), Unknown),
        (NoAnswer("connection refused", sent=False), Retry),
        (error("INVALID_SESSION_ID", 401), Stop),
        (Answer(200, {}, text="<html>"), Unknown),
        (answer([{"id": ONE, "success": True}]), Unknown),  # one result for two records
        (answer({"ok": 1}), Unknown),
        (answer([{}, 5]), Unknown),
    ],
)
def test_what_no_result_tells_of_is_never_taken_as_done(given, kind):
    found = writing.update(Scripted(given), "Contact", [{"Id": ONE}, {"Id": TWO}])
    assert [type(one) for one in found.outcomes] == [kind] * 2
    assert not found.refused_whole


def test_a_request_that_is_refused_as_a_whole_may_go_in_halves():
    broken = error("JSON_PARSER_ERROR", 400)
    two = writing.update(Scripted(broken), "Contact", [{"Id": ONE}, {"Id": TWO}])
    assert two.refused_whole
    one = writing.update(Scripted(broken), "Contact", [{"Id": ONE}])
    assert (one.refused_whole, type(one.outcomes[0])) == (False, Reject)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda c: writing.update(c, "Contact", [{"Id": None}]), "by its Id"),
        (lambda c: writing.update(c, "Contact", [{"Id": ""}]), "by its Id"),
        (lambda c: writing.update(c, "Contact", [{"Id": "../../Account/001"}]), "by its Id"),
        (lambda c: writing.create(c, "Contact", [{"id": ONE}]), "with `update`"),
        (lambda c: writing.upsert(c, "Contact", "Id", [{"LastName": "x"}]), "upsert by Id"),
        (lambda c: writing.upsert(c, "Contact", "Key__c", [{"Key__c": None}]), "made anew"),
        (lambda c: writing.upsert(c, "Contact", "Key__c", [{"Key__c": "a", "ID": None}]), "update"),
        (lambda c: writing.upsert(c, "Contact", "..", [{"..": "a"}]), "another resource"),
        (lambda c: writing.delete(c, [f"{ONE},{TWO}"]), "by its Id"),
        (lambda c: writing.delete(c, []), "1 to 200"),
        (lambda c: writing.update(c, "Contact", [{"Id": ONE}] * 201), "1 to 200"),
        (lambda c: writing.update(c, "C", [{"Id": ONE, "N": float("nan")}]), "cannot be written"),
        (lambda c: writing.update(c, "C", [{"Id": ONE, "D": datetime(2024, 1, 1)}]), "cannot"),  # noqa: DTZ001
        (lambda c: writing.update(c, "C", [{"Id": ONE, "A": {"Ext__c": "x"}}]), "cannot"),
        (lambda c: ingest.open_job(c, "Contact", "upsert", "Id"), "external id"),
        (lambda c: ingest.open_job(c, "Contact", "upsert"), "external id"),
    ],
)
def test_what_would_make_or_reach_another_record_is_not_sent(write, words):
    client = Scripted()
    with pytest.raises(ValueError, match=words):
        write(client)
    assert not client.asked


def test_a_step_of_a_path_leads_nowhere_else():
    assert resource("sobjects", "Contact", "Ext__c/../../Account", "a?b c+d") == (
        "sobjects/Contact/Ext__c%2F..%2F..%2FAccount/a%3Fb%20c%2Bd"
    )
    for step in ("", ".", ".."):
        with pytest.raises(ValueError, match="another resource"):
            resource("sobjects", step, "001")


VALUES = [
    (None, "#N/A", None),
    ("", "#N/A", ""),
    (True, "true", True),
    (7, "7", 7),
    (1e20, "100000000000000000000", 1e20),
    (Decimal("12.50"), "12.50", 12.5),
    (date(2024, 2, 29), "2024-02-29", "2024-02-29"),
    (datetime(2024, 2, 29, 1, 2, 3, 4567, UTC), "2024-02-29T01:02:03.004Z",
     "2024-02-29T01:02:03.004Z"),
    (datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=2))), "2024-02-28T23:00:00.000Z",
     "2024-02-28T23:00:00.000Z"),
    (time(9, 30), "09:30:00.000Z", "09:30:00.000Z"),
    ('a,"b"\n\u2028é', 'a,"b"\n\u2028é', 'a,"b"\n\u2028é'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "in_file", "in_json"), VALUES)
def test_values_have_one_form_in_files_and_one_in_json(value, in_file, in_json):
    assert cell(value) == in_file
    assert writing.json_value(value) == in_json


def test_a_file_has_its_columns_in_order_and_says_which_record_cannot_go():
    content = file_of(["Id", "Title"], [[ONE, None], [TWO, "a\nb"]])
    assert content.decode() == f'Id,Title\n{ONE},#N/A\n{TWO},"a\nb"\n'
    for value, words in (("#N/A", "would empty"), (float("inf"), "cannot"), ([1], "cannot")):
        with pytest.raises(NotSendable, match=words) as found:
            file_of(["Id", "T"], [[ONE, "x"], [TWO, value]])
        assert found.value.line == 1


def test_a_job_that_may_have_been_made_or_filled_has_changed_nothing():
    silent = NoAnswer("cut", sent=True)
    assert ingest.open_job(Scripted(answer({"id": "750A"})), "Contact", "update") == "750A"
    for step in (
        lambda c: ingest.open_job(c, "Contact", "update"),
        lambda c: ingest.upload(c, "750A", b"Id\n"),
    ):
        found = step(Scripted(silent))
        assert isinstance(found, Retry)
        assert not found.counts
    assert isinstance(ingest.close(Scripted(silent), "750A"), Unknown)
    assert ingest.close(Scripted(answer({"state": "UploadComplete"})), "750A") is None
    assert isinstance(ingest.upload(Scripted(answer(None, 200)), "750A", b""), Retry)
    assert ingest.upload(Scripted(answer(None, 201)), "750A", b"") is None
    with pytest.raises(JobGone):
        ingest.look(Scripted(error("NOT_FOUND", 404)), "750A")
    failed = answer({"state": "Failed", "numberRecordsProcessed": 3, "errorMessage": "why"})
    state = ingest.look(Scripted(failed), "750A")
    assert (state.ended, state.processed, state.error) == (True, 3, "why")


def results(rows, *, pack=True, **headers):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = text.getvalue().encode()
    headers = {"Content-Type": "text/csv", **({"Content-Encoding": "gzip"} if pack else {})}
    return Answer(200, headers, content=gzip.compress(content) if pack else content)


def test_each_line_of_a_job_is_found_again_by_its_key_whatever_is_in_it():
    odd = "Zoë\nline\u2028two"
    keys = [
        key_of(one) for one in (("T1", odd), ("T2", "b"), ("T3", "c"), ("T4", "d"), ("T5", "e"))
    ]
    client = Scripted(
        results([["sf__Id", "sf__Created", "TopicId", "EntityId"], [ONE, "true", "T1", odd],
                 [TWO, "true", "T5", "e"], [TWO, "true", "T5", "e"]], pack=False),
        results([["sf__Id", "sf__Error", "TopicId", "EntityId"],
                 ["", "UNABLE_TO_LOCK_ROW:busy:--", "T2", "b"]]),
        results([["TopicId", "EntityId"], ["T3", "c"]]),
    )  # fmt: skip
    found = ingest.results(client, "750A", ["TopicId", "EntityId"], keys)
    assert [type(found[key]) for key in keys] == [Done, Retry, Retry, Unknown, Unknown]
    assert found[keys[0]].remote_id == ONE
    assert "UNABLE_TO_LOCK_ROW" in found[keys[1]].reason
    assert "twice" in found[keys[4]].reason
    assert [path for _, path, _ in client.asked] == [
        f"jobs/ingest/750A/{kind}/"
        for kind in ("successfulResults", "failedResults", "unprocessedrecords")
    ]


def test_a_failed_line_says_why_and_a_torn_file_is_no_answer():
    given = "FIELD_CUSTOM_VALIDATION_EXCEPTION:Not: allowed:Email Phone --"
    client = Scripted(
        results([["sf__Id", "sf__Created", "Id"]]),
        results([["sf__Id", "sf__Error", "Id"], [ONE, given, ONE]]),
        Answer(200, {"Content-Type": "text/csv"}, content=b""),
    )
    reason = "Not: allowed · FIELD_CUSTOM_VALIDATION_EXCEPTION · Email, Phone"
    assert ingest.results(client, "750A", ["Id"], [(ONE,)]) == {(ONE,): Reject(reason)}
    torn = results([["sf__Id", "sf__Created", "Id"], *([[ONE, "true", ONE]] * 999)])
    cut = Answer(200, torn.headers, content=torn.content[:-40])
    with pytest.raises(QueryFailedError, match="cut off"):
        ingest.results(Scripted(cut), "750A", ["Id"], [(ONE,)])
