"""What the sandbox's queries find."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from soql_cases import NOW, account, answer, checked, contact, passing

from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.soql.dates import FORMULAS


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Name = 'anna'", ["Anna", "ANNA"]),
        ("Name IN ('ANNA', 'bob')", ["Anna", "ANNA", "Bob"]),
        ("Name > 'anna'", ["Bob", "Zoë", "100%", "10_0 pc"][:2]),
        ("Name LIKE 'an%'", ["Anna", "ANNA"]),
        ("Name LIKE '%OË'", ["Zoë"]),
        ("Name LIKE '%n%'", ["Anna", "ANNA"]),
        ("Name LIKE 'b_b'", ["Bob"]),
        ("Name LIKE 'a%a'", ["Anna", "ANNA"]),
        ("Name LIKE 'bob'", ["Bob"]),
        (r"Name LIKE '100\%'", ["100%"]),
        (r"Name LIKE '10\_%'", ["10_0 pc"]),
        ("Name LIKE '10_%'", ["100%", "10_0 pc"]),
        ("Name LIKE '%'", ["Anna", "ANNA", "Bob", "Zoë", "100%", "10_0 pc"]),
        ("Name = null", [None]),
        ("Name = ''", [None]),
        ("Name != null", ["Anna", "ANNA", "Bob", "Zoë", "100%", "10_0 pc"]),
        ("Name IN (null, 'bob')", ["Bob", None]),
        ("Name NOT IN (null, 'bob')", ["Anna", "ANNA", "Zoë", "100%", "10_0 pc"]),
        ("Name < null", []),
    ],
)
def test_texts_are_compared_without_case(condition, found):
    names = ["Anna", "ANNA", "Bob", "Zoë", "100%", "10_0 pc", None]
    assert passing(condition, names) == found


def test_a_field_unique_by_case_minds_it():
    assert passing("Code__c = 'Ab'", ["Ab", "AB", "ab"], "Code__c") == ["Ab"]


@pytest.mark.parametrize(
    ("condition", "including", "excluding"),
    [
        ("Name != 'a'", ["b", None], ["b"]),
        ("Name NOT IN ('a', 'c')", ["b", None], ["b"]),
        ("(NOT Name LIKE 'a%')", ["b", None], ["b"]),
        ("(NOT Name = 'a')", ["b", None], ["b"]),
        ("(NOT Name != 'a')", ["a"], ["a"]),
        ("(NOT Name > 'a')", ["a", None], ["a"]),
        ("(NOT (Name = 'a' OR Name = 'c'))", ["b", None], ["b"]),
        ("(NOT (Name != 'a' AND Name != 'b'))", ["a", "b"], ["a", "b"]),
        # What the pull compiles to asks for the same rows in both modes.
        ("(Name != 'a' OR Name = null)", ["b", None], ["b", None]),
        ("(Name != 'a' AND Name != null)", ["b"], ["b"]),
    ],
)
def test_negated_comparisons_with_null_follow_the_mode(condition, including, excluding):
    assert passing(condition, ["a", "b", None], null_ne="include") == including
    assert passing(condition, ["a", "b", None], null_ne="exclude") == excluding


def test_a_multipicklist_is_asked_for_sets():
    tags = ["AAA", "AAA;BBB", "BBB", "CCC", "BBB;CCC", None]
    found = passing("Tags__c INCLUDES ('AAA;BBB', 'ccc')", tags, "Tags__c")
    assert found == ["AAA;BBB", "CCC", "BBB;CCC"]
    excludes = "Tags__c EXCLUDES ('AAA;BBB', 'CCC')"
    assert passing(excludes, tags, "Tags__c") == ["AAA", "BBB", None]
    assert passing(excludes, tags, "Tags__c", null_ne="exclude") == ["AAA", "BBB"]
    assert passing("Tags__c = 'AAA;BBB'", tags, "Tags__c") == ["AAA;BBB"]


def test_null_of_a_checkbox_is_false():
    flags = [True, False, None]
    for condition in ("Flag__c = false", "Flag__c = null", "Flag__c != true", "Flag__c IN (null)"):
        assert passing(condition, flags, "Flag__c", null_ne="exclude") == [False, None], condition
    assert passing("Flag__c != null", flags, "Flag__c") == [True]


def test_numbers_compare_as_numbers():
    assert passing("Amount__c = 0.10", [0.1, 0.2, None], "Amount__c") == [0.1]
    assert passing("Amount__c < -1", [-1.5, -1, 0], "Amount__c") == [-1.5]
    assert passing("Visits__c IN (1, +3)", [1, 2, 3], "Visits__c") == [1, 3]


def test_moments_compare_in_any_zone():
    moments = [NOW - timedelta(seconds=1), NOW, NOW.astimezone(timezone(timedelta(hours=9)))]
    for written in ("10:30:00Z", "12:30:00+02:00", "02:30:00-0800", "10:30:00.0001234Z"):
        operator = ">" if written.endswith("4Z") else "="
        found = passing(f"CreatedDate {operator} 2024-05-15T{written}", moments, "CreatedDate")
        assert found == (moments[1:] if operator == "=" else [])
    assert passing("Alarm__c >= 09:00:00+01:00", [time(7), time(8)], "Alarm__c") == [time(8)]
    assert passing("Born__c > 2024-05-14", [date(2024, 5, 14), date(2024, 5, 15)], "Born__c") == [
        date(2024, 5, 15)
    ]


# Worked out by hand for Wednesday 2024-05-15, with weeks from Sunday: first and last day.
RANGES = {
    "YESTERDAY": ("2024-05-14", "2024-05-14"),
    "TODAY": ("2024-05-15", "2024-05-15"),
    "TOMORROW": ("2024-05-16", "2024-05-16"),
    "LAST_WEEK": ("2024-05-05", "2024-05-11"),
    "THIS_WEEK": ("2024-05-12", "2024-05-18"),
    "NEXT_WEEK": ("2024-05-19", "2024-05-25"),
    "LAST_MONTH": ("2024-04-01", "2024-04-30"),
    "THIS_MONTH": ("2024-05-01", "2024-05-31"),
    "NEXT_MONTH": ("2024-06-01", "2024-06-30"),
    "LAST_90_DAYS": ("2024-02-15", "2024-05-15"),
    "NEXT_90_DAYS": ("2024-05-16", "2024-08-13"),
    "LAST_QUARTER": ("2024-01-01", "2024-03-31"),
    "THIS_QUARTER": ("2024-04-01", "2024-06-30"),
    "NEXT_QUARTER": ("2024-07-01", "2024-09-30"),
    "LAST_YEAR": ("2023-01-01", "2023-12-31"),
    "THIS_YEAR": ("2024-01-01", "2024-12-31"),
    "NEXT_YEAR": ("2025-01-01", "2025-12-31"),
    "LAST_N_DAYS:2": ("2024-05-13", "2024-05-15"),
    "NEXT_N_DAYS:2": ("2024-05-16", "2024-05-17"),
    "N_DAYS_AGO:2": ("2024-05-13", "2024-05-13"),
    "LAST_N_WEEKS:2": ("2024-04-28", "2024-05-11"),
    "NEXT_N_WEEKS:2": ("2024-05-19", "2024-06-01"),
    "N_WEEKS_AGO:2": ("2024-04-28", "2024-05-04"),
    "LAST_N_MONTHS:5": ("2023-12-01", "2024-04-30"),
    "NEXT_N_MONTHS:2": ("2024-06-01", "2024-07-31"),
    "N_MONTHS_AGO:5": ("2023-12-01", "2023-12-31"),
    "LAST_N_QUARTERS:2": ("2023-10-01", "2024-03-31"),
    "NEXT_N_QUARTERS:3": ("2024-07-01", "2025-03-31"),
    "N_QUARTERS_AGO:2": ("2023-10-01", "2023-12-31"),
    "LAST_N_YEARS:2": ("2022-01-01", "2023-12-31"),
    "NEXT_N_YEARS:2": ("2025-01-01", "2026-12-31"),
    "N_YEARS_AGO:2": ("2022-01-01", "2022-12-31"),
}


@pytest.mark.parametrize("written", RANGES)
def test_a_date_formula_is_a_range_of_days(written):
    first, last = map(date.fromisoformat, RANGES[written])
    day = timedelta(days=1)
    days = [first - day, first, last, last + day]
    expected = {
        "=": days[1:3],
        "!=": [days[0], days[3]],
        "<": days[:1],
        "<=": days[:3],
        ">": days[3:],
        ">=": days[1:],
    }
    for operator, found in expected.items():
        assert passing(f"Born__c {operator} {written}", days, "Born__c") == found, operator
    # The fiscal year of the org is the calendar year.
    name, _, number = written.partition(":")
    fiscal = name.replace("QUARTER", "FISCAL_QUARTER").replace("YEAR", "FISCAL_YEAR")
    fiscal = fiscal if "YESTERDAY" not in name else name
    assert fiscal in FORMULAS
    assert passing(f"Born__c = {fiscal}:{number}".rstrip(":"), days, "Born__c") == days[1:3]


def test_days_begin_in_the_zone_of_the_user():
    zone = ZoneInfo("America/Los_Angeles")
    now = datetime(2024, 3, 10, 12, tzinfo=zone)  # the day the clocks go forward: 23 hours
    start = datetime(2024, 3, 10, 8, tzinfo=ZoneInfo("UTC"))
    moments = [start - timedelta(seconds=1), start, start + timedelta(hours=23, seconds=-1)]
    moments.append(start + timedelta(hours=23))
    found = passing("CreatedDate = TODAY", moments, "CreatedDate", now=now, zone=zone)
    assert found == moments[1:3]
    found = passing("CreatedDate IN (TODAY, TOMORROW)", moments, "CreatedDate", now=now, zone=zone)
    assert found == moments[1:]


def test_a_range_beyond_the_calendar_ends_with_it():
    days = [date(1, 1, 1), date(2024, 5, 15)]
    assert passing("Born__c = LAST_N_YEARS:99999999", days, "Born__c") == days[:1]
    moments = [datetime(9000, 1, 1, tzinfo=ZoneInfo("UTC"))]
    assert passing("CreatedDate = NEXT_N_DAYS:99999999", moments, "CreatedDate") == moments


ACCOUNTS = [
    account(1, Name="Acme", Active__c=True),
    account(2, Name=None),
    account(3, Name="Beta", ParentId=account(1)["Id"]),
]
PEOPLE = [
    contact(1, AccountId=ACCOUNTS[0]["Id"]),
    contact(2, AccountId=ACCOUNTS[1]["Id"]),
    contact(3, AccountId=ACCOUNTS[2]["Id"]),
    contact(4, AccountId=None),
    contact(5, AccountId=account(9)["Id"]),  # gone or not to be seen
]


def _numbers(condition, **setting):
    rows = answer(f"SELECT Id FROM Contact WHERE {condition}", PEOPLE, ACCOUNTS, **setting)
    return [PEOPLE.index(row.record) + 1 for row in rows]


def test_parents_that_are_missing_are_null():
    assert _numbers("Account.Name = 'acme'") == [1]
    assert _numbers("Account.Name = null") == [2, 4, 5]
    assert _numbers("Account.Name != null") == [1, 3]
    assert _numbers("Account.Name != 'acme'") == [2, 3, 4, 5]
    assert _numbers("Account.Name != 'acme'", null_ne="exclude") == [3]
    assert _numbers("Account.Parent.Name = 'acme'") == [3]
    assert _numbers("Account.Active__c = false") == [2, 3, 4, 5]
    # A row without a parent is not lost to an OR over the parent.
    assert _numbers("Account.Name = 'acme' OR Name = 'contact 4'") == [1, 4]


def test_rows_tell_values_and_parents():
    query = "SELECT name, c.ACCOUNT.parent.NAME, Contact.Account.Name FROM contact c"
    rows = answer(query, PEOPLE, ACCOUNTS)
    # A checkbox that is not there is no false.
    [first, *_, last] = answer("SELECT Account.Active__c FROM Contact", PEOPLE, ACCOUNTS)
    assert (first["Account.Active__c"], last["Account.Active__c"]) == (True, None)
    assert list(rows[2]) == ["Name", "Account.Parent.Name", "Account.Name"]
    assert rows[2] == {"Name": "Contact 3", "Account.Parent.Name": "Acme", "Account.Name": "Beta"}
    assert rows[2].parents == {"Account": ACCOUNTS[2], "Account.Parent": ACCOUNTS[0]}
    assert rows[3].parents == {"Account": None, "Account.Parent": None}
    assert rows[3]["Account.Name"] is None


def test_ids_of_15_and_18_characters_are_the_same():
    whole = PEOPLE[0]["Id"]
    for written in (whole, whole[:15], whole.upper(), whole.lower()):
        found = _numbers(f"Id = '{written}'") if written[15:] or written == whole[:15] else []
        assert found == [1], written
    assert _numbers(f"Id > '{PEOPLE[2]['Id']}'") == [4, 5]
    assert _numbers("AccountId = ''") == [4]


def test_a_semi_join_asks_another_object():
    inner = "SELECT AccountId FROM Contact WHERE Name IN ('Contact 1', 'Contact 3', 'Contact 4')"
    for word, expected in (("IN", ["Acme", "Beta"]), ("NOT IN", [None])):
        rows = answer(f"SELECT Name FROM Account WHERE Id {word} ({inner})", PEOPLE, ACCOUNTS)
        assert [row["Name"] for row in rows] == expected
    both = "AccountId IN (SELECT ParentId FROM Account) AND Name LIKE 'contact%'"
    assert _numbers(both) == [1]


def _ordered(order, rows):
    return [row["Id"][10:15] for row in answer(f"SELECT Id FROM Contact ORDER BY {order}", rows)]


def test_nulls_sort_first_unless_told_otherwise():
    rows = [contact(1, Email="b"), contact(2), contact(3, Email="A"), contact(4, Email="B")]
    for order, expected in {
        "Email": "2314",
        "Email DESC": "2143",
        "Email NULLS LAST": "3142",
        "Email DESC NULLS LAST, Name DESC": "4132",
    }.items():
        assert "".join(str(int(one)) for one in _ordered(order, rows)) == expected, order


def test_picklists_sort_as_their_values_are_listed():
    rows = [contact(n, Status__c=one) for n, one in enumerate(["Gone", "New", "Other", "Active"])]
    found = answer("SELECT Status__c FROM Contact ORDER BY Status__c", rows)
    assert [row["Status__c"] for row in found] == ["New", "Active", "Gone", "Other"]


def test_limit_and_offset_cut_the_answer():
    query = "SELECT Id FROM Contact ORDER BY Id DESC LIMIT 2 OFFSET 1"
    assert [row.record for row in answer(query, PEOPLE)] == [PEOPLE[3], PEOPLE[2]]
    assert answer("SELECT Id FROM Contact LIMIT 0", PEOPLE) == []
    assert answer("SELECT COUNT() FROM Contact WHERE AccountId != null", PEOPLE) == 4
    assert answer("SELECT COUNT() FROM Contact LIMIT 2", PEOPLE) == 2


def test_groups_and_aggregates():
    rows = [
        contact(1, Status__c="New", Amount__c=1.5, Email="a"),
        contact(2, Status__c="new", Amount__c=None, Email="A"),
        contact(3, Status__c=None, Amount__c=4, Email=None),
    ]
    query = (
        "SELECT Status__c, COUNT(Id), COUNT(Email) mails, COUNT_DISTINCT(Email), SUM(Amount__c), "
        "AVG(Amount__c) mean, MIN(Amount__c), MAX(Name) FROM Contact GROUP BY Status__c "
        "ORDER BY COUNT(Id) DESC"
    )
    assert checked(query).aggregated
    keys = ["Status__c", "expr0", "mails", "expr1", "expr2", "mean", "expr3", "expr4"]
    assert [list(row.items()) for row in answer(query, rows)] == [
        list(zip(keys, ["New", 2, 2, 1, 1.5, 1.5, 1.5, "Contact 2"], strict=True)),
        list(zip(keys, [None, 1, 0, 0, 4.0, 4.0, 4, "Contact 3"], strict=True)),
    ]
    assert answer("SELECT COUNT(Id), MAX(Name) m FROM Contact") == [{"expr0": 0, "m": None}]
    query = "SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name ORDER BY n, Name"
    with pytest.raises(Exception, match="Ordered field must be grouped"):
        answer(query)
    found = answer(query.removesuffix(", Name"), PEOPLE, ACCOUNTS)
    assert found == [{"Name": "Acme", "n": 1}, {"Name": "Beta", "n": 1}, {"Name": None, "n": 3}]


def test_fields_stand_for_all_that_can_be_seen():
    [row] = answer("SELECT FIELDS(CUSTOM) FROM Contact LIMIT 1", PEOPLE)
    assert all(name.endswith("__c") for name in row)
    everything = [one.label for one in checked("SELECT FIELDS(ALL) FROM Contact LIMIT 9").columns]
    standard = [one.label for one in checked("SELECT FIELDS(STANDARD) FROM Contact").columns]
    assert sorted(everything) == sorted([*standard, *row])


def test_a_parent_is_read_once_for_a_query():
    asked = []
    plan = checked("SELECT Account.Name FROM Contact WHERE Account.Name != 'x'")

    def get(name, record_id):
        asked.append((name, record_id))
        return ACCOUNTS[0]

    rows = [contact(n, AccountId=ACCOUNTS[0]["Id"]) for n in range(50)]
    assert len(list(soql.run(plan, {"Contact": rows}.get, get, now=NOW))) == 50
    assert len(asked) == 1
