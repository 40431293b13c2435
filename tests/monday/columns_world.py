"""A board with a column of every type, and records with a field for each."""

from __future__ import annotations

import pyarrow as pa
from monday_world import Result, workflow

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta, prepare
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.columns import KINDS
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.models import Workflow

BOARD = "800"
TABLE = "things_delta"
LABELS = {"status": ["Open", "Done"], "dropdown": ["Spring", "Summer", "A, B"]}
SEED = {
    "boards": [
        {
            "id": BOARD,
            "name": "Things",
            "key_column": "record_uuid",
            "groups": [{"id": "topics", "title": "All"}],
            "columns": [
                {"id": "record_uuid", "title": "Record", "type": "text"},
                *(
                    {"id": kind, "title": kind, "type": kind}
                    | ({"labels": LABELS[kind]} if kind in LABELS else {})
                    for kind in KINDS
                ),
            ],
            "items": [{"name": "One"}, {"name": "Two"}],
        }
    ]
}
#: The seeded items, whose ids the sandbox gives in their order.
ONE, TWO = "9700000001", "9700000002"

#: Field types that are not text, by column type.
FIELD_TYPES = {
    "numbers": "decimal",
    "checkbox": "boolean",
    "rating": "integer",
    "date": "datetime",
    "timeline": "date",
    "week": "date",
    "hour": "datetime",
    "people": "text",
}
_SEPARATED = {"separator": ";"}
OPTIONS = {
    "timeline": {"until": "timeline_end"},
    "phone": {"country": "US"},
    **dict.fromkeys(("dropdown", "tags", "people", "board_relation", "dependency"), _SEPARATED),
}
MAPPED = [kind for kind in KINDS if kind != "status"]

#: A record's fields, and then what the board shows; relations show the ids they link.
FULL = {
    "text": "abc",
    "long_text": "two\nlines",
    "numbers": "12.50",
    "status": "Open",
    "dropdown": "Spring; A, B",
    "tags": "5001;5002",
    "checkbox": True,
    "rating": 4,
    "color_picker": "#ff5733",
    "date": "2026-11-22T23:30:15-05:00",
    "timeline": "2026-10-01",
    "timeline_end": "2026-10-09",
    "week": "2026-11-22",
    "hour": "2026-11-22T23:30:15-05:00",
    "world_clock": "Europe/Paris",
    "email": "a@b.co",
    "phone": "202 555 0169",
    "link": "https://a.b",
    "country": "US United States",
    "location": "52.5 13.4 Berlin",
    "people": "1001;team:2001",
    "board_relation": ONE,
    "dependency": f"{TWO};{ONE}",
}
SHOWN = {
    "text": "abc",
    "long_text": "two\nlines",
    "numbers": "12.5",
    "status": "Open",
    "dropdown": "Spring, A, B",
    "tags": "urgent, late",
    "checkbox": "v",
    "rating": "4",
    "color_picker": "#FF5733",
    "date": "2026-11-22 23:30",
    "timeline": "2026-10-01 - 2026-10-09",
    "week": "2026-11-22 - 2026-11-28",
    "hour": "11:30 PM",
    "world_clock": "Europe/Paris",
    "email": "a@b.co",
    "phone": "2025550169",
    "link": "https://a.b - https://a.b",
    "country": "United States",
    "location": "Berlin",
    "people": "Sandbox Owner, Sandbox Team",
    "board_relation": [ONE],
    "dependency": [TWO, ONE],
}
OTHER = {
    "text": "xyz",
    "long_text": "one line",
    "numbers": "-3",
    "status": "Done",
    "dropdown": "Summer",
    "tags": "5002",
    "checkbox": False,
    "rating": 1,
    "color_picker": "#000000",
    "date": "2026-12-24T12:00:00Z",
    "timeline": "2026-12-01",
    "timeline_end": "2026-12-01",
    "week": "2026-12-24",
    "hour": "2026-12-24T12:00:00Z",
    "world_clock": "UTC",
    "email": "c@d.co",
    "phone": "+49 30 123456",
    "link": "https://c.d",
    "country": "DE Germany",
    "location": "0 0",
    "people": "1002",
    "board_relation": TWO,
    "dependency": TWO,
}
OTHER_SHOWN = {
    "text": "xyz",
    "long_text": "one line",
    "numbers": "-3",
    "status": "Done",
    "dropdown": "Summer",
    "tags": "late",
    "checkbox": "",
    "rating": "1",
    "color_picker": "#000000",
    "date": "2026-12-24 07:00",
    "timeline": "2026-12-01 - 2026-12-01",
    "week": "2026-12-20 - 2026-12-26",
    "hour": "07:00 AM",
    "world_clock": "UTC",
    "email": "c@d.co",
    "phone": "+4930123456",
    "link": "https://c.d - https://c.d",
    "country": "Germany",
    "location": "",
    "people": "Sandbox Member",
    "board_relation": [TWO],
    "dependency": [TWO],
}
EMPTY = dict.fromkeys(FULL)
EMPTY_SHOWN = {**dict.fromkeys(SHOWN, ""), "board_relation": [], "dependency": []}
_CELLS = """query ($ids: [ID!]) { items(ids: $ids) { name column_values {
  id text
  ... on BoardRelationValue { linked_item_ids }
  ... on DependencyValue { linked_item_ids }
} } }"""


def thing(number, **values):
    """A source row."""
    return {"number": number, "customer_name": "All", **FULL, **values}


def _schema():
    special = {"checkbox": pa.bool_(), "rating": pa.int64()}
    return pa.schema([(name, special.get(name, pa.string())) for name in thing("x")])


class ColumnsWorld:
    """Records in a database, and their board.

    Args:
        database: A migrated database.
        urls: Of a sandbox that holds `SEED`, its account in New York, weeks from Sunday.
        rules: Options of columns by type, beside the usual ones; of `status` too.
        items: Options of the items' mapping.
    """

    def __init__(self, database, urls, rules=None, **items):
        self.database = database
        self.control = ControlClient(urls["control"])
        self.workflow = _workflow(urls["monday"], rules or {}, items)
        self.clock = FakeClock()
        prepare(database, self.workflow.workflow, self.workflow.deltas)
        self._client = MondayClient(self.workflow.connections["monday"])
        for name in ("urgent", "late"):
            self._client.execute(f'mutation {{create_or_get_tag(tag_name: "{name}") {{id}}}}')

    def sync(self, *rows, **options):
        """Find the changes of the rows and push them."""
        node = self.workflow.node("things")
        batches = pa.Table.from_pylist(list(rows), schema=_schema()).to_batches()
        build_delta(
            self.database,
            self.workflow.workflow,
            node,
            GivenRows(batches),
            parent=None,
            clock=DatabaseClock(self.database),
            options=DeltaOptions(),
        )
        options = PushOptions(**options)
        push = Push(self.database, self.clock, self.workflow, self.workflow.node("push"), options)
        try:
            push.prepare()
            result = Result(push.plan())
            if not options.dry_run:
                result.deliveries = [push.deliver(number) for number in (ITEMS, STATUSES)]
            return result
        finally:
            push.close()

    def mark(self):
        log = self.control.log()
        return log[-1]["seq"] if log else 0

    def writes(self, after=0):
        return [one["op"] for one in self.control.log(after=after)]

    def shown(self, name):
        """What the board shows of an item, by column; None where there is no such item."""
        (board,) = self.control.state()["boards"]
        ids = [one["id"] for one in board["items"] if one["name"] == name]
        if not ids:
            return None
        (item,) = self._client.execute(_CELLS, {"ids": ids}).data["items"]
        cells = {
            one["id"]: one.get("linked_item_ids", one["text"] or "")
            for one in item["column_values"]
        }
        return {column: cells[column] for column in SHOWN}

    def row(self, number):
        """The newest delta row of a record."""
        rows = self.database.fetch_all(
            f"select * from {TABLE} where number = %s order by delta_id", (number,)
        )
        return rows[-1]

    def close(self):
        self._client.close()
        self.control.close()


def _workflow(url, rules, items):
    made = workflow(url).model_dump(mode="json", exclude_unset=True)
    made["connections"]["monday"] |= {
        "token": "sandbox-personal",
        "timezone": "America/New_York",
        "week_starts": "sunday",
    }
    made["connections"]["book"] = {"type": "sql", "url": "sqlite://"}
    made["nodes"] = [_delta(), _push(rules, items)]
    return Workflow.model_validate(made)


def _delta():
    special = [
        {"name": "number", "required": True},
        {"name": "customer_name"},
        {"name": "timeline_end", "type": "date"},
    ]
    fields = [{"name": kind, "type": FIELD_TYPES.get(kind, "text")} for kind in KINDS]
    fields = [{**one, "whitespace": "keep"} if one["type"] == "text" else one for one in fields]
    return {
        "type": "delta",
        "name": "things",
        "description": "Things",
        "source": "pull",
        "entity": "thing",
        "table": TABLE,
        "key": ["number"],
        "fields": [*special, *fields],
    }


def _push(rules, items):
    columns = [
        {
            "field": kind,
            "column": kind,
            "type": kind,
            **OPTIONS.get(kind, {}),
            **rules.get(kind, {}),
        }
        for kind in MAPPED
    ]
    return {
        "type": "monday_push",
        "name": "push",
        "description": "Things",
        "connection": "monday",
        "board_id": BOARD,
        "group": {"field": "customer_name"},
        "items": {
            "source": "things",
            "name": "{number}",
            "key_column": "record_uuid",
            "columns": columns,
            "statuses": [{"field": "status", "column": "status", **rules.get("status", {})}],
            **items,
        },
    }
