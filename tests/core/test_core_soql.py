"""Conditions are checked against describe, written as SOQL with care, and split where too long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from org_cases import NOW, ORG, checked, condition, group

from syncflow_dagster.core.soql import date_literals, literals, patterns, raw, split
from syncflow_dagster.core.soql.check import Checker
from syncflow_dagster.core.soql.choice import choose
from syncflow_dagster.core.soql.date_literals import Calendar, DateLiteral
from syncflow_dagster.core.soql.paths import find_field, find_object
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.core.soql.write import NeverTrueError, Query
from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.ids import make_id
from syncflow_dagster.sandbox.salesforce.soql.dates import FORMULAS


def _soql(tree, owner="Contact"):
    where, mistakes = checked(tree, owner)
    assert [one for one in mistakes if not one.warning] == []
    text = Query(owner, ("Id",), where).text()
    soql.parse(text)
    return text.partition(" WHERE ")[2]


def _wrong(tree):
    [mistake] = [one for one in checked(tree)[1] if not one.warning]
    return mistake.kind, ".".join(map(str, mistake.loc)), f"{mistake.message}; {mistake.hint}"


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (condition("lastname", "equals", "O'Neil\\"), r"LastName = 'O\'Neil\\'"),
        (condition("LastName", "equals", '"\n\r\t\b\f'), r"LastName = '\"\n\r\t\b\u000c'"),
        (condition("LastName", "contains", r"1%_\ "), r"LastName LIKE '%1\%\_\\ %'"),
        (condition("LastName", "like", r"1\%_"), r"LastName LIKE '1\%_'"),
        (condition("LastName", "not_like", "a%"), "(NOT LastName LIKE 'a%') AND LastName != null"),
        (condition("Score__c", "less", "1e20"), "Score__c < 100000000000000000000"),
        (condition("Score__c", "equals", 0.1), "Score__c = 0.1"),
        (condition("DoNotCall", "not_equals", True, null=True), "DoNotCall = false"),
        (
            condition("Owner.IsActive", "equals", False),
            "Owner.IsActive = false AND Owner.Id != null",
        ),
        (condition("Owner.IsActive", "is_null"), "Owner.Id = null"),
        (
            condition("LastName", "not_in", ["a", "A", "b"], null=True),
            "LastName NOT IN ('a', 'b') OR LastName = null",
        ),
        (condition("LastName", "not_in", []), "LastName != null"),
        (condition("Birthdate", "equals", "last_n_days:3"), "Birthdate = LAST_N_DAYS:3"),
        (
            condition("Birthdate", "in", [date(2026, 1, 2), "TODAY"]),
            "Birthdate = 2026-01-02 OR Birthdate = TODAY",
        ),
        (
            condition(
                "CreatedDate",
                "greater",
                datetime(2026, 1, 1, 1, 0, 0, 5000, timezone(timedelta(hours=2))),
            ),
            "CreatedDate > 2025-12-31T23:00:00.005Z",
        ),
        (
            condition("Champion_Tags__c", "includes", ["moved;Champion"]),
            "Champion_Tags__c INCLUDES ('champion;moved')",
        ),
        (condition("AccountId", "equals", make_id("001", 7)[:15]), None),
        (
            group("none", condition("LastName", "equals", "a"), condition("Email", "is_null")),
            "(LastName != 'a' OR LastName = null) AND Email != null",
        ),
        (
            group("any", condition("Email", "is_null"), group("all", condition("Fax", "is_null"))),
            "Email = null OR Fax = null",
        ),
    ],
)
def test_conditions_become_soql(tree, text):
    assert _soql(tree) == (text or f"AccountId = '{make_id('001', 7)}'")


def test_conditions_without_words_in_soql_need_no_query():
    nothing = group("all", condition("LastName", "in", []), condition("Email", "is_null"))
    query = Query("Contact", ("Id",), checked(nothing)[0])
    assert query.is_empty
    assert split.for_rest(query).queries == ()
    with pytest.raises(NeverTrueError):
        query.text()
    everything = group("none", condition("LastName", "in", []))
    assert Query("Contact", ("Id",), checked(everything)[0]).text() == "SELECT Id FROM Contact"
    both = checked(group("any", condition("Fax", "is_null"), condition("Email", "is_null")))[0]
    window = Query("Contact", ("Id",), both).text("A > 1", tail="ORDER BY Id")
    assert window.endswith("WHERE (Fax = null OR Email = null) AND A > 1 ORDER BY Id")


@pytest.mark.parametrize(
    ("tree", "kind", "place", "says"),
    [
        (condition("Emial", "is_null"), "no_such_field", "attribute", "did you mean 'Email'?"),
        (condition("Account", "is_null"), "no_such_field", "attribute", "Account.Name"),
        (condition("AccountId.Name", "is_null"), "no_such_relationship", "attribute", "'Account'"),
        (condition("Acount.Name", "is_null"), "no_such_relationship", "attribute", "'Account'"),
        (condition("A.B.C.D.E.F.G", "is_null"), "path_too_long", "attribute", "SOQL allows 5"),
        (condition("Description", "equals", "x"), "not_filterable", "attribute", "filtered by"),
        (condition("MailingAddress", "is_null"), "compound_field", "attribute", "MailingCity"),
        (
            condition("Account.BillingAddress", "is_null"),
            "compound_field",
            "attribute",
            "Account.BillingCity",
        ),
        (condition("DoNotCall", "less", True), "wrong_operator", "operator", "it takes: equals"),
        (condition("DoNotCall", "is_null"), "wrong_operator", "operator", "never empty"),
        (condition("AccountId", "like", "001%"), "wrong_operator", "operator", "reference"),
        (condition("LastName", "includes", ["a"]), "wrong_operator", "operator", "string"),
        (condition("Champion_Tags__c", "in", ["a"]), "wrong_operator", "operator", "excludes"),
        (condition("LastName", "equals", 5), "wrong_value", "value", 'put it in quotes: "5"'),
        (condition("LastName", "equals", ""), "wrong_value", "value", "is_null"),
        (condition("LastName", "equals", "x" * 4001), "wrong_value", "value", "4,001"),
        (condition("LastName", "equals", "\ud83d"), "wrong_value", "value", "surrogate"),
        (condition("LastName", "equals", ["a"]), "wrong_value", "value", "operator: in"),
        (condition("LastName", "in", ["a", None]), "wrong_value", "value", "is_null"),
        (condition("Score__c", "equals", True), "wrong_value", "value", "true or false"),
        (condition("Score__c", "equals", float("nan")), "wrong_value", "value", "no number"),
        (condition("DoNotCall", "equals", 1), "wrong_value", "value", "checkbox"),
        (condition("Birthdate", "equals", NOW), "wrong_value", "value", "holds days"),
        (condition("Birthdate", "equals", "LAST_N_DAY:3"), "wrong_value", "value", "LAST_N_DAYS"),
        (condition("Birthdate", "equals", "LAST_N_DAYS"), "wrong_value", "value", ":30"),
        (condition("Birthdate", "equals", "2026-02-30"), "wrong_value", "value", "is none"),
        (condition("CreatedDate", "less", date(2026, 1, 1)), "wrong_value", "value", "zone"),
        (condition("CreatedDate", "less", datetime(2026, 1, 1)), "wrong_value", "value", "no zone"),  # noqa: DTZ001
        (condition("Id", "equals", make_id("001", 1)), "wrong_value", "value", "003"),
        (condition("AccountId", "equals", "short"), "wrong_value", "value", "no record id"),
        (condition("Champion_Status__c", "equals", "Movd"), "wrong_value", "value", "'Moved'"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(tree, kind, place, says):
    found, loc, text = _wrong(tree)
    assert (found, loc) == (kind, f"where.{place}")
    assert says in text


def test_values_a_picklist_does_not_list_and_objects_that_are_none_are_told():
    [unlisted] = checked(condition("LeadSource", "equals", "Wbe"))[1]
    assert (unlisted.kind, unlisted.warning) == ("unlisted_value", True)
    assert find_object("Contakt", ORG, ()).hint == "did you mean 'Contact'?"
    closed = ObjectInfo("Closed", (), queryable=False)
    shut = SimpleNamespace(object=lambda _: closed, names=list)
    assert find_object("closed", shut, ()).kind == "not_queryable"


def test_a_reference_to_several_objects_leads_to_what_they_share():
    owner = FieldInfo(
        "OwnerId", "reference", reference_to=("Group", "User"), relationship_name="Owner"
    )
    case = ObjectInfo("Case", (owner,))
    name, email = FieldInfo("Name", "string"), FieldInfo("Email", "email")
    objects = {"Group": ObjectInfo("Group", (name,)), "User": ObjectInfo("User", (name, email))}
    org = SimpleNamespace(object=objects.get, names=list)
    assert find_field("owner.name", case, org, ()).text == "Owner.Name"
    assert find_field("Owner.Email", case, org, ()).message.startswith("Group has no field")
    objects["Name"] = ObjectInfo("Name", (name, email))
    assert find_field("Owner.Email", case, org, ()).text == "Owner.Email"


def test_a_read_of_changes_is_warned_of_what_it_cannot_see():
    tree = group(
        "all",
        condition("Score__c", "greater", 1),
        condition("Account.Name", "equals", "x"),
        condition("CreatedDate", "equals", "TODAY"),
    )
    assert [one.kind for one in checked(tree, incremental=True)[1]] == [
        "calculated_field",
        "parent_field",
        "moving_date",
    ]
    assert checked(tree)[1] == []


def _long_list(name, count):
    return condition(name, "in", [f"person number {n}@example.com" for n in range(count)])


def _query(tree):
    return Query("Contact", ("Id", "Email"), checked(tree)[0])


def test_long_lists_are_split_into_queries_that_fit_an_address(monkeypatch):
    two = group("all", _long_list("Email", 1500), _long_list("Account.Name", 1500))
    parts = split.for_rest(_query(two))
    assert parts.is_disjoint
    assert max(len(quote_plus(one.text())) for one in parts.queries) < split.LONGEST_ADDRESS
    assert len(parts.queries) < 100
    assert all(one.text().count(" IN (") == 2 for one in parts.queries)
    assert not split.for_rest(
        _query(group("any", _long_list("Email", 900), _long_list("Account.Name", 900)))
    ).is_disjoint
    ids = condition("AccountId", "in", [make_id("001", n) for n in range(1001)])
    assert [one.text().count("'001") for one in split.for_rest(_query(ids)).queries] == [
        333,
        334,
        334,
    ]
    assert len(split.for_bulk(_query(ids)).queries) == 1
    nobody = group("none", _long_list("Email", 1500))
    with pytest.raises(split.TooLongError, match="negative operator cannot be"):
        split.for_rest(_query(nobody))
    assert len(split.for_bulk(_query(nobody)).queries) == 1
    monkeypatch.setattr(split, "MOST_QUERIES", 5)
    with pytest.raises(split.TooLongError, match="more than 5 queries"):
        split.for_rest(_query(two))


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_comes_back_from_the_sandboxs_parser(text):
    where = "SELECT Id FROM Contact WHERE Name"
    assert soql.parse(f"{where} = {literals.text(text)}").where.value.text == text
    pattern = patterns.holding(text)
    assert pattern.matches(f"x{text}y")
    soql.parse(f"{where} LIKE {literals.like(pattern)}")


def test_numbers_are_plain_and_ids_have_18_characters():
    assert literals.number(Decimal("1E+3")) == "1000"
    assert literals.number(Decimal("1E-7")) == "0.0000001"
    for number in (0, 7, 10**9):
        record_id = make_id("003", number)
        assert long_id(record_id[:15]) == record_id == long_id(record_id)
    with pytest.raises(BadIdError, match="case"):
        long_id(make_id("003", 7).replace("H", "h"))


def test_date_literals_mean_the_days_salesforce_documents():
    names = {*date_literals.PLAIN, *date_literals.COUNTED}
    assert names == set(FORMULAS)
    days = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, 23, tzinfo=UTC), NOW]
    for now in days:
        for name, formula in FORMULAS.items():
            number = 5 if formula.needs_number else None
            assert Calendar(now).days(DateLiteral(name, number)) == formula.days(
                now.date(), number
            ), name
    east = Calendar(datetime(2026, 5, 15, 20, tzinfo=UTC), ZoneInfo("Asia/Tokyo"), "monday")
    assert east.days(DateLiteral("THIS_WEEK")) == (date(2026, 5, 11), date(2026, 5, 18))
    assert east.instants(DateLiteral("TODAY"))[0] == datetime(2026, 5, 15, 15, tzinfo=UTC)
    fiscal = Calendar(NOW, fiscal_month=4).days(DateLiteral("THIS_FISCAL_YEAR"))
    assert fiscal == (date(2026, 4, 1), date(2027, 4, 1))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3", "put each group"),
        ("SELECT Id FROM Contact WHERE A = 1 AND NOT B = 2", "(NOT"),
        ("SELECT Id FROM Contact WHERE A IN ()", "a value"),
        ("SELECT Id FROM Contact WHERE A = 1e20", "cannot be read"),
        ("SELECT Id FROM Contact WHERE A = 5.", "cannot be read"),
        ("SELECT Id\fFROM Contact", "cannot be read"),
        (r"SELECT Id FROM Contact WHERE A = 'a\qb'", "escape"),
        (r"SELECT Id FROM Contact WHERE A IN ('10\%')", "escape"),
        (r"SELECT Id FROM Contact WHERE A LIKE '\u00g9'", "escape"),
        ("SELECT Id FROM Contact WHERE A = :x", "Apex"),
        ("SELECT Id FROM Contact WHERE A = abc", "date literal"),
        ("SELECT Id FROM Contact ORDER BY Id", "orders the records itself"),
        ("SELECT Id FROM Contact LIMIT 5", "count as deleted"),
        ("SELECT Id FROM Contact ALL ROWS", "with_deleted"),
        ("SELECT COUNT() FROM Contact", "no field"),
        ("SELECT FIELDS(ALL) FROM Contact", "list the fields"),
        ("SELECT (SELECT Id FROM Contacts) FROM Account", "sub-query"),
        ("SELECT Id FROM Contact c", "alias"),
        ("SELECT Id FROM Contact -- all", "cannot be read"),
        ("DELETE FROM Contact", "SELECT"),
    ],
)
def test_a_written_query_that_is_none_of_records_is_refused(query, says):
    with pytest.raises(raw.RawQueryError) as refused:
        raw.parse(query)
    assert says in f"{refused.value}; {refused.value.hint}"


def test_a_written_query_is_checked_too():
    found = raw.parse(
        "select Id, Account.Name from contact where (Emial = 'x' or DoNotCall > true) "
        "and Score__c = '5' and (not LastName like 'a\\'\\%\\u00e9') "
        "and Birthdate in (TODAY, 2026-01-01) "
        "and CALENDAR_YEAR(CreatedDate) = 2026 and Id in (select WhoId from Task where (A = 1))"
    )
    assert (found.owner, found.fields) == ("contact", ("Id", "Account.Name"))
    checker = Checker(ORG.object("Contact"), ORG)
    found.check(checker, ("soql",))
    assert [one.kind for one in checker.mistakes] == [
        "no_such_field",
        "wrong_operator",
        "wrong_value",
    ]
    assert Query("Contact", ("Id",), raw=found.where).text("A = 1").endswith("(A = 1))) AND A = 1")


def test_the_api_is_chosen_by_size_and_kind():
    parts = split.for_rest(_query(condition("Email", "is_null")))
    told = [
        choose("auto", "Contact", 9_999, 10_000, parts).api,
        choose("auto", "Contact", 10_000, 10_000, parts).api,
        choose("auto", "Contact", 5, 10_000, None).api,
        choose("auto", "Contact", None, 10_000, parts).api,
        choose("auto", "TaskStatus", 10_000, 10_000, parts).api,
        choose("rest", "Contact", 10_000, 10_000, parts).api,
    ]
    assert told == ["rest", "bulk", "bulk", "bulk", "rest", "rest"]


def test_a_query_is_shown_without_the_texts_it_asks_for():
    mails = r"Email IN ('a@b.c', 'd\'Arc', 'x')"
    query = rf"SELECT Id FROM Contact WHERE ({mails} AND Name = 'O\\') AND N > 5"
    shown = literals.without_texts(query)
    assert shown == "SELECT Id FROM Contact WHERE (Email IN (3 texts) AND Name = '…') AND N > 5"
