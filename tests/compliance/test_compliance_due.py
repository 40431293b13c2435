"""Records that are due at times of their own, once their person is erased."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
from compliance_cases import KEY, record

from syncflow_dagster.nodes.compliance.erasure import erase
from syncflow_dagster.nodes.compliance.lists import Entry
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.nodes.triggers.due_records import take_due
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.models.delta import DeltaNode

ANN, BEN = "003000000000001AAA", "003000000000002AAA"


def _node(due):
    fields = [{"name": "id"}, {"name": "born", "type": "date", "personal": True}]
    fields.append({"name": "rhythm"})
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "contacts",
            "description": "Contacts",
            "source": "pull",
            "entity": "contact",
            "table": "contact_delta",
            "key": ["id"],
            "fields": fields,
            "due": due,
        }
    )


def test_an_erased_person_is_never_due_again_and_her_dates_are_gone(database):
    clock = FakeClock()
    node = _node({"every": "rhythm", "anchor": "born"})
    rows = [{"id": one, "born": "1984-03-12", "rhythm": "12 months"} for one in (ANN, BEN)]
    source = GivenRows(pa.Table.from_pylist(rows).to_batches())
    build_delta(database, "people", node, source, parent=None, clock=clock)
    by = Entry("Ida", "asked for", clock.now())
    erase(database, [record(ANN)], KEY, by)
    (left,) = database.fetch_all("select rule from due_record")
    assert left["rule"] == "12 months from 1984-03-12"
    # Where all are found anew, none is found for her.
    node = _node({"every": "rhythm", "anchor": "born", "timezone": "Asia/Tehran"})
    clock.sleep(timedelta(days=366).total_seconds())
    assert take_due(database, clock, "people", node, None).due == 1
    found = database.fetch_all("select business_key from contact_delta where operation = 'UPDATE'")
    assert [row["business_key"] for row in found] == [BEN]
