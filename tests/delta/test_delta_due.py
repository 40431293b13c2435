from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from due_cases import NOON, WORKFLOW, World, node, subscription

from syncflow_dagster.nodes.delta.due_times import DueTimes

ROLLING = {"every": "rhythm", "anchor": "renews_at", "timezone": "Europe/Berlin"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "anchor", "due"),
    [
        ("10 days", "2026-10-01T07:30:00.000000+00:00", "2026-11-10T08:30"),  # clocks moved back
        ("Every 2 hours", "2026-11-02T11:00:30.000000+00:00", "2026-11-02T13:00:30"),
        ("1 month", "2026-08-31", "2026-11-29T23:00"),  # midnight of the 30th in Berlin
        ("10 days", "2027-01-01T00:00:00.000000+00:00", "2027-01-01T00:00"),
        ("last Friday of the month at 09:30", None, "2026-11-27T08:30"),
    ],
)
def test_a_rhythm_goes_by_the_clock_of_its_zone(said, anchor, due):
    found = DueTimes(node(ROLLING), node(ROLLING).due).after(NOON, said, anchor)
    assert (found.due_at, found.problem) == (at(due), None)


def test_a_rhythm_that_cannot_be_read_says_why():
    times = DueTimes(node(ROLLING), node(ROLLING).due)
    assert "Fryday" in times.after(NOON, "every Fryday at 9", None).problem
    assert "renews_at, which is empty" in times.after(NOON, "10 days", None).problem
    bare = DueTimes(node({"every": "rhythm"}), node({"every": "rhythm"}).due)
    assert "name a date field as 'anchor'" in bare.after(NOON, "10 days", None).problem
    assert "never comes" in times.after(NOON, "999999 months", "2020-01-05").problem


def test_a_record_with_a_moment_is_due_once_and_again_when_the_moment_changes(database):
    world = World(database, {"at": "renews_at"})
    soon, late = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    rows = [subscription("A", renews_at=soon), subscription("B", renews_at=NOON)]
    rows += [subscription("C"), subscription("D", renews_at=late)]
    world.build(*rows)
    assert world.due() == {"A": soon, "B": None, "D": late}
    assert len(world.push()) == 4
    assert world.take().due == 0

    world.clock.pass_by(hours=1)
    report = world.take()
    assert (report.due, report.next_due_at) == (1, late)
    assert world.push() == [("A", "UPDATE", "was due at 2026-11-02 13:00 UTC")]
    first, again = world.rows("A")
    given = set(first) - {"delta_id", "operation", "state", "changed_columns", "created_at"}
    given -= {"state_since", "reason"}
    assert all(first[name] == again[name] for name in given)
    assert again["changed_columns"] == [field.name for field in world.node.fields]

    # What changes in other fields is not due again; a moment that has passed goes with its change.
    rows[0] |= {"plan": "gold"}
    rows[3] |= {"renews_at": NOON}
    world.build(*rows)
    assert [key for key, _, _ in world.push()] == ["A", "D"]
    world.clock.pass_by(days=9)
    assert world.take().due == 0
    rows[0] |= {"renews_at": world.clock.now() + timedelta(hours=1)}
    world.build(*rows)
    world.push()
    world.clock.pass_by(hours=2)
    assert world.take().due == 1
    assert world.take().due == 0
    world.build(rows[1], rows[2])  # A and D are gone
    assert set(world.due()) == {"B"}


def test_a_rhythm_comes_once_for_all_that_was_missed_and_stops_for_nobody(database):
    world = World(database, ROLLING)
    rows = [subscription("A", rhythm="1 day", renews_at=NOON - timedelta(days=3))]
    rows += [subscription("B", rhythm="every Fryday at 9"), subscription("C", rhythm="1 day")]
    rows += [subscription(f"D{n}", rhythm="daily at 12:00") for n in range(5)]
    world.build(*rows)
    world.push()
    world.clock.pass_by(days=4, hours=1)
    report = world.take(batch=2)
    assert (report.due, report.unreadable) == (6, 2)
    assert [key for key, _ in report.problems] == ["C", "B"]
    pushed = world.push()
    assert pushed[-1] == ("A", "UPDATE", "was due at 2026-11-03 12:00 UTC")
    assert sorted(key for key, _, _ in pushed) == ["A", "D0", "D1", "D2", "D3", "D4"]
    assert world.take().due == 0
    assert world.due()["A"] == NOON + timedelta(days=5)
    rows[1] |= {"rhythm": "every Friday at 9"}
    world.build(*rows)
    assert world.take().unreadable == 1


def test_a_due_row_takes_the_place_of_what_is_still_open_and_is_superseded_itself(database):
    world = World(database, {"at": "renews_at"})
    row = subscription("A", renews_at=NOON + timedelta(hours=1))
    world.build(row)
    world.clock.pass_by(hours=1)
    report = world.take()
    assert (report.due, report.superseded) == (1, 1)
    world.build({**row, "plan": "gold"})
    assert [one["state"] for one in world.rows("A")] == ["SUPERSEDED", "SUPERSEDED", "PENDING"]
    assert set(world.rows("A")[-1]["changed_columns"]) == {rule.name for rule in world.node.fields}


def test_held_records_go_when_they_are_due(database):
    world = World(database, {**ROLLING, "release": "when_due"})
    rows = [subscription("A", rhythm="daily at 14:00"), subscription("B"), subscription("C")]
    rows[2] |= {"rhythm": "every Fryday at 9"}
    world.build(*rows)
    assert world.push() == []
    reasons = [world.rows(key)[0]["reason"] for key in "ABC"]
    assert reasons[:2] == [
        "held until it is due at 2026-11-02 13:00 UTC",
        "held until it says when it is due",
    ]
    assert "Fryday" in reasons[2]
    world.clock.pass_by(hours=1)
    world.take()
    # A change before the consumer came goes with it: the moment of the record has come.
    rows[0] |= {"plan": "gold"}
    world.build(*rows)
    assert world.push() == [("A", "UPDATE", None)]
    rows[0] |= {"plan": "silver"}
    rows[1] |= {"rhythm": "daily at 15:00"}
    world.build(*rows)
    assert world.push() == []
    world.clock.pass_by(hours=1)
    world.take()
    assert [key for key, _, _ in world.push()] == ["B"]

    # Without the declaration nothing is held any more, and nothing is due.
    world.node = node(None)
    world.build(*rows)
    assert [key for key, _, _ in world.push()] == ["C", "A"]
    assert world.database.fetch_all("select from due_record") == []


def test_known_records_get_their_times_when_the_file_says_so(database):
    world = World(database, None)
    when = NOON + timedelta(days=3)
    rows = [subscription("A", renews_at=when, ends_on="2026-11-10"), subscription("B")]
    rows += [subscription("C", renews_at=NOON - timedelta(days=1))]
    world.build(*rows)
    world.push()
    world.node = node({"at": "renews_at"})
    assert world.take().renewed
    assert world.due() == {"A": when, "C": None}
    world.clock.pass_by(days=4)
    world.node = node({"at": "renews_at", "timezone": "Asia/Tehran"})
    assert world.take().due == 1  # what was due already is done
    world.node = node({"at": "ends_on", "timezone": "Asia/Tehran", "release": "when_due"})
    assert world.take().renewed
    assert not world.take().renewed
    assert world.due() == {"A": at("2026-11-09T20:30")}
    assert world.take().next_due_at == at("2026-11-09T20:30")


def test_a_claim_reads_no_more_where_more_records_are_known(database):
    def pages(known):
        database.execute("truncate due_record")
        database.execute(
            "insert into due_record (workflow, node, bk_hash, record_uuid, rule, next_due_at) "
            "select %s, 'subscriptions', gen_random_uuid(), gen_random_uuid(), '1 day', "
            "%s::timestamptz + make_interval(secs => greatest(0, n - 100)) "
            "from generate_series(1, %s) n",
            (WORKFLOW, NOON, known),
        )
        database.execute("analyze due_record")
        return World(database, ROLLING).pages_of_a_claim()

    few, many = pages(2_000), pages(20_000)
    assert few >= 100
    assert many <= few + 100  # a level more of an index, at most
