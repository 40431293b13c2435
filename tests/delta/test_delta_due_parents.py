from __future__ import annotations

from datetime import timedelta

from delta_cases import FixedClock, build, headers_node, line, lines_node, order

from syncflow_dagster.nodes.triggers.due_records import take_due

ORDERS = headers_node()
FIELDS = [*(rule.model_dump() for rule in lines_node().fields), {"name": "ready", "type": "date"}]


class Later(FixedClock):
    def __init__(self, days):
        self.days = days

    def now(self):
        return super().now() + timedelta(days=self.days)


def _lines(release):
    return lines_node(fields=FIELDS, due={"at": "ready", "release": release})


def _ready(number, ready):
    return {**line(number, "M", 1), "ready": ready}


def _states(database):
    rows = database.fetch_all(
        "select state, reason, parent_uuid is not null as placed "
        "from order_list_lines_delta order by delta_id"
    )
    return [(row["state"], row["reason"], row["placed"]) for row in rows]


def _take(database, lines, days):
    return take_due(database, Later(days), "orders", lines, ORDERS)


def test_a_due_row_waits_for_its_parent_like_any_other(database):
    lines = _lines("at_once")
    build(database, lines, [_ready("SO-1", "2026-05-03")], parent=ORDERS)
    assert _take(database, lines, 3).due == 1
    superseded, waiting = _states(database)
    assert superseded[0] == "SUPERSEDED"
    assert waiting == ("WAITING", "was due at 2026-05-03 00:00 UTC; its parent is not there", False)
    build(database, ORDERS, [order("SO-1")])
    build(database, lines, [_ready("SO-1", "2026-05-03")], parent=ORDERS)
    assert _states(database)[-1] == ("PENDING", None, True)


def test_a_held_row_finds_its_parent_when_it_is_due_or_let_go(database):
    lines = _lines("when_due")
    rows = [_ready("SO-1", "2026-05-03"), _ready("SO-2", "2026-05-09")]
    build(database, lines, rows, parent=ORDERS)
    build(database, ORDERS, [order("SO-1")])
    held = _states(database)
    assert [state for state, _, _ in held] == ["HELD", "HELD"]
    assert _take(database, lines, 3).due == 1
    assert _states(database)[-1][::2] == ("PENDING", True)
    # Whoever is not to be waited for any more may still lack a parent.
    _take(database, _lines("at_once"), 4)
    assert _states(database)[1] == ("WAITING", "its parent is not there", False)
