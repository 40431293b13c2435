"""Refused queries: Salesforce's codes, words and places."""

from __future__ import annotations

import pytest
from soql_cases import checked, refusal

from syncflow_dagster.sandbox.salesforce import soql

WHERE = "SELECT Id FROM Contact WHERE "


def test_a_place_is_shown_with_its_surroundings():
    # As in roblesterjr04/EloquentSalesForce #68, with the names of our org.
    query = "select Id, Code__c, Status__c from Contact where Status__c = 3999"
    error = refusal(query)
    assert error.error_code == "INVALID_FIELD"
    assert error.message == (
        "\nStatus__c from Contact where Status__c = 3999"
        "\n                             ^"
        "\nERROR at Row:1:Column:50"
        "\nvalue of filter criterion for field 'Status__c' must be of type string and should be "
        "enclosed in quotes"
    )


def test_columns_of_strings_and_strange_characters_count_from_zero():
    # restforce #632 and forcedotcom/SalesforceMobileSDK-ReactNative #82, to the letter.
    query = r"SELECT Id, Data_Quality_Score__c from Contact where FirstName = 'Anne\-Marie'"
    assert refusal(query).message == (
        "\nfrom Contact where FirstName = 'Anne\\-Marie'"
        "\n                              ^"
        "\nERROR at Row:1:Column:64"
        "\nInvalid string literal 'Anne\\-Marie'. Illegal character sequence '\\-' in string "
        "literal."
    )
    query = 'SELECT FirstName, LastName FROM CampaignMember WHERE Id = "00v3D000003BjNa"'
    assert refusal(query).message == (
        '\nFROM CampaignMember WHERE Id = "00v3D000003BjNa"'
        "\n                              ^"
        "\nERROR at Row:1:Column:58"
        "\nline 1:58 no viable alternative at character '\"'"
    )


def test_rows_and_columns_are_counted_over_lines():
    error = refusal("SELECT Id,\n  Nme\nFROM Contact")
    assert error.message.startswith("\nNme\n^\nERROR at Row:2:Column:3\nNo such column 'Nme'")
    assert "\n^\nERROR at Row:2:Column:1\n" in refusal("SELECT Id FROM Contact WHERE\n").message


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Id FROM Contct", "INVALID_TYPE", "sObject type 'Contct' is not supported. If you"),
        ("SELECT Id FROM Secret", "INVALID_TYPE_FOR_OPERATION", "Secret does not support query"),
        ("SELECT Nme FROM Contact", "INVALID_FIELD", "No such column 'Nme' on entity 'Contact'. "),
        ("SELECT Acc.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Acc'"),
        ("SELECT Account FROM Contact", "INVALID_FIELD", "No such column 'Account' on entity"),
        (
            "SELECT Account.X FROM Contact",
            "INVALID_FIELD",
            "No such column 'X' on entity 'Account'",
        ),
        ("SELECT Account..Name FROM Contact", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT (SELECT Id FROM Contacts) FROM Account", "INVALID_TYPE", "in FROM part of query"),
        ("SELECT Id, ID FROM Contact", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id x FROM Contact", "MALFORMED_QUERY", "only aggregate expressions use field"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        (
            "SELECT FIELDS(CUSTOM) FROM Contact LIMIT 201",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        ("SELECT Id, FIELDS(ALL) FROM Contact LIMIT 200", "INVALID_FIELD", "field selected: Id"),
        ("SELECT FIELDS(SOME) FROM Contact LIMIT 1", "MALFORMED_QUERY", "FIELDS takes ALL"),
        ("SELECT Id FROM Contact ORDER BY Notes__c", "INVALID_FIELD", "can not be sorted"),
        ("SELECT Id FROM Contact LIMIT -1", "MALFORMED_QUERY", "out of range: -1"),
        (f"SELECT Id FROM Contact LIMIT {'9' * 5_000}", "MALFORMED_QUERY", "out of range"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "allowed is 2000"),
        ("SELECT Name, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "grouped or aggregated: Name"),
        ("SELECT COUNT() FROM Contact ORDER BY Id", "MALFORMED_QUERY", "Ordered field must be"),
        ("SELECT COUNT() FROM Contact GROUP BY Name", "MALFORMED_QUERY", "GROUP BY"),
        ("SELECT SUM(Name) FROM Contact", "INVALID_FIELD", "does not support aggregate operator"),
        ("SELECT MAX(Id) x, MIN(Id) X FROM Contact", "MALFORMED_QUERY", "duplicate alias: x"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY Score__c", "INVALID_FIELD", "can not be grouped"),
    ],
)
def test_queries_that_do_not_fit_the_schema(query, code, words):
    error = refusal(query)
    assert error.error_code == code
    assert words in error.message


MISMATCH = "value of filter criterion for field '{}' must be of type {} enclosed in quotes"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("Notes__c = 'x'", "field 'Notes__c' can not be filtered in a query call"),
        # The compound says that it can be filtered, and cannot (airbyte PR #68166).
        ("Address__c = 'x'", "field 'Address__c' can not be filtered in a query call"),
        ("Id LIKE '003%'", "invalid operator on id field"),
        ("AccountId LIKE '001%'", "invalid operator on id field"),
        ("Tags__c LIKE 'a%'", "invalid operator on multipicklist field"),
        ("Tags__c IN ('a')", "invalid operator on multipicklist field"),
        ("Tags__c > 'a'", "invalid operator on multipicklist field"),
        ("Flag__c > FALSE", "invalid operator on boolean field"),
        ("Visits__c LIKE '1%'", "invalid operator on int field"),
        ("CreatedDate LIKE '2024%'", "invalid operator on datetime field"),
        ("Name INCLUDES ('a')", "only valid on multipicklist field"),
        ("Name = 5", MISMATCH.format("Name", "string and should be")),
        ("Name LIKE null", MISMATCH.format("Name", "string and should be")),
        ("Name = TODAY", MISMATCH.format("Name", "string and should be")),
        ("Id = 5", MISMATCH.format("Id", "ID and should be")),
        ("Visits__c = '5'", MISMATCH.format("Visits__c", "int and should not be")),
        ("Visits__c = 5.0", MISMATCH.format("Visits__c", "int and should not be")),
        ("Amount__c = '5'", MISMATCH.format("Amount__c", "double and should not be")),
        ("Flag__c = 'true'", MISMATCH.format("Flag__c", "boolean and should not be")),
        ("Born__c = '2024-01-01'", MISMATCH.format("Born__c", "date and should not be")),
        ("Born__c = 2024-01-01T00:00:00Z", MISMATCH.format("Born__c", "date and should not be")),
        (
            "CreatedDate > '2024-01-01T00:00:00Z'",
            MISMATCH.format("CreatedDate", "dateTime and should not be"),
        ),
        ("CreatedDate > 2024-01-01", MISMATCH.format("CreatedDate", "dateTime and should not be")),
        ("Tags__c INCLUDES (1)", MISMATCH.format("Tags__c", "string and should be")),
    ],
)
def test_conditions_that_do_not_fit_their_field(condition, words):
    error = refusal(WHERE + condition)
    assert error.error_code == "INVALID_FIELD"
    assert words in error.message


@pytest.mark.parametrize(
    ("condition", "code", "words"),
    [
        ("Id = '003'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 003"),
        ("Born__c = 2024-02-30", "MALFORMED_QUERY", "Invalid date: 2024-02-30"),
        (
            "CreatedDate = 2024-01-01T25:00:00Z",
            "MALFORMED_QUERY",
            "Invalid dateTime: 2024-01-01T25",
        ),
        ("Born__c = LAST_N_DAYS", "MALFORMED_QUERY", "LAST_N_DAYS is written LAST_N_DAYS:n"),
        ("Born__c = TODAY:5", "MALFORMED_QUERY", "TODAY is written TODAY"),
        (f"Name = '{'x' * 4_001}'", "MALFORMED_QUERY", "at most 4000 characters"),
        ("Name = :name", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
        ("A.B.C.D.E.F.G = 1", "INVALID_FIELD", "at most 5 relationships"),
        (
            "AccountId IN (SELECT Id FROM Contact)",
            "MALFORMED_QUERY",
            "The inner and outer selects should not be on the same object type",
        ),
        (
            "Name = 'x' OR AccountId IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            "Name = 'x' AND (NOT AccountId IN (SELECT Id FROM Account))",
            "MALFORMED_QUERY",
            "Semi join sub-selects are only allowed at the top level WHERE expressions",
        ),
        (
            "AccountId IN (SELECT Id FROM Account WHERE OwnerId IN (SELECT Id FROM User))",
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        ("AccountId IN (SELECT Id FROM User)", "MALFORMED_QUERY", "point to the same object type"),
    ],
)
def test_conditions_that_are_wrong_in_themselves(condition, code, words):
    error = refusal(WHERE + condition)
    assert error.error_code == code
    assert words in error.message


def test_a_hidden_field_does_not_exist():
    for query in (
        "SELECT Email FROM Contact",
        WHERE + "Email = null",
        "SELECT Id FROM Contact ORDER BY Email",
        "SELECT COUNT(Email) FROM Contact",
    ):
        checked(query)
        error = refusal(query, hidden={"Contact.Email"})
        assert "No such column 'Email' on entity 'Contact'" in error.message
    labels = [one.label for one in checked("SELECT FIELDS(STANDARD) FROM Contact").columns]
    hidden = checked("SELECT FIELDS(STANDARD) FROM Contact", hidden={"Contact.Email"}).columns
    assert set(labels) - {one.label for one in hidden} == {"Email"}
    error = refusal("SELECT Account.Name FROM Contact", hidden={"Contact.AccountId"})
    assert "Didn't understand relationship 'Account'" in error.message
    error = refusal("SELECT Account.Name FROM Contact", hidden={"Account.Name"})
    assert "No such column 'Name' on entity 'Account'" in error.message


def test_functions_are_told_apart_from_mistakes():
    for query in (
        "SELECT toLabel(Status__c) FROM Contact",
        WHERE + "CALENDAR_YEAR(Born__c) = 2024",
    ):
        assert isinstance(refusal(query), soql.NotInSandboxError)
