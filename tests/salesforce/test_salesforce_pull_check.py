"""What a pull node's check tells, of an org's object, about reads of changes."""

from __future__ import annotations

from dataclasses import replace

import pull_cases
import pytest
from pull_cases import FIELDS, load, rows_of
from test_salesforce_pull import read_all

from syncflow_dagster.core.soql.write import Query
from syncflow_dagster.nodes.pull import salesforce_choice
from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
from syncflow_dagster.nodes.salesforce.describe import Describes


@pytest.fixture
def told(org, tmp_path, monkeypatch):
    """Tells what is found: kinds of warnings, or of mistakes."""
    describes = Describes(org.client())

    def tell(*options, stamp="SystemModstamp", without=(), node=None, **more):
        text = pull_cases.FILE.replace("column: SystemModstamp", f"column: {stamp}")
        with monkeypatch.context() as patch:
            patch.setattr(pull_cases, "FILE", text)
            loaded = load(tmp_path, org, *options, fields=(*FIELDS[:-1], stamp), **more)
        contact = describes.object("Contact")
        kept = tuple(one for one in contact.fields if one.name not in without)
        schema = _Only(describes, replace(contact, fields=kept))
        workflow = loaded.workflow
        (pull,) = workflow.salesforce_pulls
        if node:
            given = pull.model_copy(update=node)
            workflow = workflow.model_copy(update={"nodes": [given, *workflow.deltas]})
            pull = given
        try:
            return {one.kind for one in check_pull(workflow, pull, schema).warnings}
        except QueryUnfit as error:
            return {f"!{one.kind}" for one in error.mistakes if not one.warning}

    return tell


class _Only:
    def __init__(self, describes, contact):
        self.describes, self.contact = describes, contact

    def object(self, name):
        return self.contact if name == "Contact" else self.describes.object(name)

    def names(self):
        return self.describes.names()


def test_a_row_version_is_the_best_stamp_the_object_has(told):
    assert told() == {"parent_field"}
    for stamp in ("LastModifiedDate", "CreatedDate"):
        assert told(stamp=stamp) == {"!weak_stamp"}
        assert told(stamp=stamp, detection="{strategy: hash}") == set()
    assert told(stamp="LastModifiedDate", without={"SystemModstamp"}) == {"parent_field"}
    two = {"SystemModstamp", "LastModifiedDate"}
    assert told(stamp="CreatedDate", without=two) == {"parent_field", "unchanging_stamp"}


def test_the_share_of_a_run_is_one_of_each_read(org, tmp_path):
    source = rows_of(load(tmp_path, org, "api: rest"), org)
    read_all(source)
    sent = source.told.usage.sent
    org.settings(daily_requests=4 * sent + 4)
    # A read counts for itself, as the connection's page says: none hinders the next.
    for _ in range(2):
        read_all(source)
        assert source.told.usage.sent == sent
    watch = source.connect(source.connection).quota
    watch.learn(0, 4)
    assert watch.take() is None
    assert watch.take().startswith("this read or tag node has sent 1 requests")


def test_a_query_of_ones_own_is_warned_of_as_conditions_are(told):
    def by_hand(where, **more):
        chosen = f"SELECT {', '.join(FIELDS)} FROM Contact WHERE {where}"
        query = {"soql": chosen, "object": None, "fields": []}
        return told(node=query, **more) - {"parent_field"}

    joined = "AccountId {} (SELECT Id FROM Account WHERE Type = 'Customer')"
    auto = "{strategy: auto, rowversion: changed_at}"
    cases = {
        "CreatedDate = LAST_N_DAYS:30": {"moving_date"},
        "(LastName = 'a' OR (NOT CreatedDate < TODAY))": {"moving_date"},
        joined.format("IN"): {"joined_records"},
        joined.format("NOT IN"): {"joined_records"},
        "LastName IN ('a', 'b') AND CreatedDate > 2026-01-01T00:00:00Z": set(),
    }
    for where, found in cases.items():
        assert by_hand(where, detection=auto) == found, where
        assert by_hand(where, detection="{strategy: hash}") == set()


def test_a_read_of_changes_alone_is_warned_of_what_it_never_learns(told):
    where = "where: {attribute: Email, operator: is_null}"
    by_hand = {"soql": f"SELECT {', '.join(FIELDS)} FROM Contact WHERE Email = null"}
    no_bin, auto = {"with_deleted": False}, "{strategy: auto, rowversion: changed_at}"
    assert told(where) == {"parent_field", "leaving_unseen"}
    assert told(node={**by_hand, "object": None, "fields": []}) == {
        "parent_field",
        "leaving_unseen",
    }
    assert told(node=no_bin) == {"parent_field", "deletes_unseen"}
    assert told(where, node=no_bin, detection=auto) == {"parent_field"}


def test_records_are_counted_where_that_decides_or_is_asked_for(org, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(salesforce_choice, "count", lambda *_, **__: asked.append(1) or 7)
    for api, counts in (("rest", 0), ("bulk", 0), ("auto", 1)):
        loaded = load(tmp_path, org, f"api: {api}")
        (node,) = loaded.workflow.salesforce_pulls
        query = Query("Contact", FIELDS)
        asked.clear()
        found = salesforce_choice.choose_api(org.client(), node, query)
        assert len(asked) == counts
        assert found.choice.api == ("rest" if api == "auto" else api)
        planned = salesforce_choice.choose_api(org.client(), node, query, always_count=True)
        assert (planned.records, len(asked)) == (7, counts + 1)
