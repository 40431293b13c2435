"""Values of columns: what is written, what monday then shows, and what is refused before."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.outcomes import Done
from syncflow_dagster.ledger.ports import Absent, Effect, Found
from syncflow_dagster.nodes.monday.client import Answer, MondayClient
from syncflow_dagster.nodes.monday.columns import ValueRefused, cell, display
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.workflows.models import MondayConnection

TYPES = (
    "text",
    "long_text",
    "numbers",
    "status",
    "dropdown",
    "date",
    "checkbox",
    "email",
    "phone",
    "link",
    "country",
)
LABELS = {"status": ["Open", "Done"], "dropdown": ["Spring", "Été 夏"]}
NEW_YORK = timezone(timedelta(hours=-5))

#: (type, value, what is written, what is shown)
WRITTEN = [
    ("text", "abc", "abc", "abc"),
    ("text", Decimal("10.500"), "10.5", "10.5"),
    ("text", date(2026, 2, 1), "2026-02-01", "2026-02-01"),
    ("text", True, "yes", "yes"),
    (
        "text",
        'نص 👩‍👩‍👧 «quoted " \\»\n2nd',
        'نص 👩‍👩‍👧 «quoted " \\»\n2nd',
        'نص 👩‍👩‍👧 «quoted " \\»\n2nd',
    ),
    ("text", datetime(2026, 2, 1, 7, 5, tzinfo=NEW_YORK), "2026-02-01 12:05+00:00", None),
    ("long_text", "a\nb", {"text": "a\nb"}, "a\nb"),
    ("long_text", "x" * 2000, {"text": "x" * 2000}, "x" * 2000),
    ("numbers", 7, "7", "7"),
    ("numbers", Decimal("12.50"), "12.5", "12.5"),
    ("numbers", Decimal("1E+3"), "1000", "1000"),
    ("numbers", Decimal("-0.00"), "0", "0"),
    ("numbers", Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789", None),
    ("numbers", "42.50", "42.5", "42.5"),
    ("numbers", 1e-7, "0.0000001", "0.0000001"),
    ("status", "Done", {"label": "Done"}, "Done"),
    ("dropdown", "Été 夏", {"labels": ["Été 夏"]}, "Été 夏"),
    ("date", date(2026, 11, 22), {"date": "2026-11-22"}, "2026-11-22"),
    ("date", "2026-11-22", {"date": "2026-11-22"}, "2026-11-22"),
    (
        "date",
        datetime(2026, 11, 22, 23, 30, 15, tzinfo=NEW_YORK),
        {"date": "2026-11-23", "time": "04:30:15"},
        "2026-11-23 04:30",
    ),
    (
        "date",
        datetime(2026, 11, 22, 8, 0),  # noqa: DTZ001 - what a driver gives for a column without zone
        {"date": "2026-11-22", "time": "08:00:00"},
        "2026-11-22 08:00",
    ),
    ("checkbox", True, {"checked": "true"}, "v"),
    ("checkbox", False, None, ""),
    ("email", "a@b.co", {"email": "a@b.co", "text": "a@b.co"}, "a@b.co"),
    (
        "phone",
        "+1 (202) 555-0169",
        {"phone": "+12025550169", "countryShortName": ""},
        "+12025550169",
    ),
    ("phone", "+49 (0)30/123456", {"phone": "+4930123456", "countryShortName": ""}, "+4930123456"),
    ("phone", "٠٢١٥٥٥٠١", {"phone": "02155501", "countryShortName": ""}, "02155501"),
    (
        "link",
        "https://a.b/c?d=e",
        {"url": "https://a.b/c?d=e", "text": "https://a.b/c?d=e"},
        "https://a.b/c?d=e - https://a.b/c?d=e",
    ),
    (
        "country",
        "us United States",
        {"countryCode": "US", "countryName": "United States"},
        "United States",
    ),
]
REFUSED = [
    ("long_text", "x" * 2001, "2001 characters"),
    ("numbers", "twelve", "'twelve' is not a number"),
    ("numbers", Decimal("NaN"), "not a finite number"),
    ("numbers", "-Infinity", "not a finite number"),
    ("date", "22.11.2026", "not a date like 2026-11-22"),
    ("date", "2026-02-30", "not a date"),
    ("checkbox", "yes", "neither true nor false"),
    ("email", "buyer at example.com", "not an e-mail address"),
    ("email", "a@b", "not an e-mail address"),
    ("email", "a@b@c.de", "not an e-mail address"),
    ("phone", "123", "not a phone number"),
    ("phone", "+1 202 555 0169 ext. 12", "not a phone number"),
    ("phone", "12+34567", "not a phone number"),
    ("phone", "1" * 16, "not a phone number"),
    ("link", "www.example.com", "must start with http"),
    ("link", "https://", "not a web address"),
    ("link", "http://[", "not a web address"),
    ("link", "javascript:alert(1)", "not a web address"),
    ("country", "US", "right would be code and name: 'US United States'"),
    ("country", "USA United States", "not a country"),
]


@pytest.mark.parametrize(("kind", "value", "written", "shown"), WRITTEN)
def test_a_value_becomes_what_the_column_takes(kind, value, written, shown):
    made = cell(kind, value)
    assert made.value == written
    if shown is not None:
        assert made.shown == shown
    json.dumps(made.value)


@pytest.mark.parametrize(("kind", "value", "reason"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_with_its_reason(kind, value, reason):
    with pytest.raises(ValueRefused, match=reason.replace("(", r"\(")):
        cell(kind, value)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("value", [None, ""])
def test_nothing_clears_a_column(kind, value):
    made = cell(kind, value)
    assert made.shown == ""
    assert made.value == ("" if kind in {"text", "long_text"} else None)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_number_keeps_its_value_and_never_gets_an_exponent(number):
    written = cell("numbers", number).value
    assert Decimal(written) == number
    assert not set(written) - set("-.0123456789")


@given(st.datetimes(timezones=st.sampled_from([UTC, NEW_YORK, timezone(timedelta(hours=13))])))
def test_a_moment_is_the_same_text_in_whatever_zone_the_driver_gives_it(moment):
    try:
        elsewhere = moment.astimezone(timezone(timedelta(hours=3)))
        moment.astimezone(UTC)
    except OverflowError:
        return
    assert cell("date", moment) == cell("date", elsewhere)
    assert display(moment) == display(elsewhere)


# --- against the sandbox -------------------------------------------------------------------

BOARD = "700"
SEED = {
    "boards": [
        {
            "id": BOARD,
            "name": "Columns",
            "key_column": "record_uuid",
            "groups": [{"id": "topics", "title": "Topics"}],
            "columns": [
                {"id": "record_uuid", "title": "Record", "type": "text"},
                *(
                    {"id": kind, "title": kind, "type": kind}
                    | ({"labels": LABELS[kind]} if kind in LABELS else {})
                    for kind in TYPES
                ),
            ],
        }
    ]
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(SEED)
        yield server.urls


@pytest.fixture
def client(sandbox):
    connection = MondayConnection(
        type="monday", token="sandbox-personal", url=sandbox["monday"], settle_s=0
    )
    client = MondayClient(connection)
    yield client
    client.close()
    ControlClient(sandbox["control"]).settings(account_timezone="UTC")


def effect(kind, columns, shown, target=None):
    record = str(uuid.uuid4())
    columns = {"record_uuid": record, **columns} if target is None else columns
    return Effect(
        effect_id=next(_numbers),
        effect_key=record,
        kind=kind,
        object_key=record,
        creates=target is None,
        payload={
            "board_id": BOARD,
            "name": "An item",
            "columns": columns,
            "shown": shown,
            "subitem": False,
            "record_uuid": record,
            "key_column": "record_uuid",
        },
        target_id=target,
        parent_id="topics",
    )


def written(client, kind, made):
    """Write a cell through create_item; return a change of the new item to the same cell."""
    destination = MondayDestination(client.connection, 10, client=client)
    create = effect("create_item", {kind: made.value}, {})
    outcome = destination.send([create], uuid.uuid4()).outcomes[create.effect_id]
    assert isinstance(outcome, Done), outcome
    same = effect("change_item", {kind: made.value}, {kind: made.shown}, outcome.remote_id)
    return destination, same


def text_on_board(client, item_id, column):
    answer = client.execute(
        "query ($ids: [ID!], $c: [String!]) {items(ids: $ids) {column_values(ids: $c) {text}}}",
        {"ids": [item_id], "c": [column]},
    )
    assert isinstance(answer, Answer)
    return answer.data["items"][0]["column_values"][0]["text"] or ""


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, value, *_ in WRITTEN])
def test_the_board_shows_what_look_ups_expect(client, kind, value):
    made = cell(kind, value)
    destination, change = written(client, kind, made)
    assert text_on_board(client, change.target_id, kind) == made.shown
    assert destination.lookup([change]).findings[change.effect_id] == Found()


@pytest.mark.parametrize("kind", TYPES)
def test_a_cleared_column_shows_nothing_and_is_found_so(client, kind):
    value = next(value for one, value, *_ in WRITTEN if one == kind)
    destination, change = written(client, kind, cell(kind, value))
    empty = cell(kind, None)
    clear = effect("change_item", {kind: empty.value}, {kind: empty.shown}, change.target_id)
    assert destination.lookup([clear]).findings[clear.effect_id] == Absent()
    outcomes = destination.send([clear], uuid.uuid4()).outcomes
    assert isinstance(outcomes[clear.effect_id], Done)
    assert text_on_board(client, change.target_id, kind) == ""
    assert destination.lookup([clear]).findings[clear.effect_id] == Found()


def test_false_unchecks_a_box_that_was_checked(client):
    destination, change = written(client, "checkbox", cell("checkbox", True))
    off = cell("checkbox", False)
    uncheck = effect("change_item", {"checkbox": off.value}, {"checkbox": ""}, change.target_id)
    destination.send([uncheck], uuid.uuid4())
    assert text_on_board(client, change.target_id, "checkbox") == ""


def test_a_moment_in_an_account_of_another_zone_is_absent_rather_than_wrongly_found(
    client, sandbox
):
    ControlClient(sandbox["control"]).settings(account_timezone="America/New_York")
    made = cell("date", datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    destination, change = written(client, "date", made)
    assert text_on_board(client, change.target_id, "date") == "2026-11-21 22:00"
    assert destination.lookup([change]).findings[change.effect_id] == Absent()
