"""For every column type: what is written for a value, what is shown then, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from column_parts import (
    AMERICAN,
    CUT,
    EVENING,
    FIRST,
    FIRST_MOMENT,
    IN_NEW_YORK,
    IN_TOKYO,
    LAST_EVENING,
    LAST_EVENING_SHOWN,
    LAST_MOMENT,
    LIST,
    LONG_NUMBER,
    NEW_YORK,
    NINTH,
    PLAIN,
    SCRIPTS,
    SHORT,
    SITE,
    SUNDAYS,
    USA,
    WITHOUT_ZONE,
    Case,
    email,
    links,
    moment,
    people,
    phone,
    timeline,
    week,
)

from syncflow_dagster.nodes.monday.columns import Options

CASES: dict[str, Case] = {
    "text": Case(
        [
            ("abc", PLAIN, "abc", "abc"),
            (Decimal("10.500"), PLAIN, "10.5", "10.5"),
            (1e-7, PLAIN, "0.0000001", "0.0000001"),
            (date(2026, 2, 1), PLAIN, "2026-02-01", "2026-02-01"),
            (True, PLAIN, "yes", "yes"),
            (SCRIPTS, PLAIN, SCRIPTS, SCRIPTS),
            (EVENING, PLAIN, "2026-11-23 04:30+00:00", "2026-11-23 04:30+00:00"),
            ("12345", SHORT, "12345", "12345"),
            ("1234567", CUT, "1234…", "1234…"),
            # Each of two UTF-16 code units, which count where a text is cut.
            ("👍👍👍", SHORT, "👍👍👍", "👍👍👍"),
            ("👍👍👍", CUT, "👍👍…", "👍👍…"),
            (LAST_EVENING, PLAIN, LAST_EVENING_SHOWN, LAST_EVENING_SHOWN),
        ],
        [
            ("123456", SHORT, "'123456' has 6 characters; the column holds at most 5"),
            ("👍" * 6, SHORT, "has 6 characters"),
        ],
        cleared="",
    ),
    "long_text": Case(
        [
            ("a\nb", PLAIN, {"text": "a\nb"}, "a\nb"),
            ("x" * 2000, PLAIN, {"text": "x" * 2000}, "x" * 2000),
            ("x" * 2001, Options(cut=True), {"text": "x" * 1999 + "…"}, "x" * 1999 + "…"),
            ("1234567", CUT, {"text": "1234…"}, "1234…"),
            ("👍👍👍", CUT, {"text": "👍👍…"}, "👍👍…"),
        ],
        [
            ("x" * 2001, PLAIN, "2001 characters; the column holds at most 2000"),
            ("x" * 2001, Options(max_length=9000), "at most 2000"),
            ("123456", SHORT, "at most 5"),
        ],
    ),
    "numbers": Case(
        [
            (7, PLAIN, "7", "7"),
            (Decimal("12.50"), PLAIN, "12.5", "12.5"),
            (Decimal("1E+3"), PLAIN, "1000", "1000"),
            (Decimal("-0.00"), PLAIN, "0", "0"),
            (Decimal(LONG_NUMBER), PLAIN, LONG_NUMBER, LONG_NUMBER),
            ("42.50", PLAIN, "42.5", "42.5"),
            (1e-7, PLAIN, "0.0000001", "0.0000001"),
            (-2.5e22, PLAIN, "-25000000000000000000000", "-25000000000000000000000"),
        ],
        [
            ("twelve", PLAIN, "'twelve' is not a number"),
            (Decimal("NaN"), PLAIN, "not a finite number"),
            (float("inf"), PLAIN, "not a finite number"),
            ("-Infinity", PLAIN, "not a finite number"),
        ],
    ),
    "status": Case(
        [
            ("Done", PLAIN, {"label": "Done"}, "Done"),
            ("7 days", PLAIN, {"label": "7 days"}, "7 days"),
        ],
        [
            (7, PLAIN, "'7' may be taken for the number of a label; give the label a letter"),
            (" 07 ", PLAIN, "number of a label"),
        ],
    ),
    "dropdown": Case(
        [
            ("Été 夏", PLAIN, {"labels": ["Été 夏"]}, ["Été 夏"]),
            ("A, B", PLAIN, {"labels": ["A, B"]}, ["A, B"]),
            (7, PLAIN, {"labels": ["7"]}, ["7"]),
            ("Spring;7 ;; Spring", LIST, {"labels": ["Spring", "7"]}, ["7", "Spring"]),
        ],
        empty=[(" ; ;", LIST), ("  ", PLAIN)],
    ),
    "tags": Case(
        [
            (5001, PLAIN, {"tag_ids": [5001]}, ["5001"]),
            ("5002;5001", LIST, {"tag_ids": [5002, 5001]}, ["5001", "5002"]),
        ],
        [("urgent", PLAIN, "'urgent' is not the id of a monday tag: a whole number")],
        empty=[(";", LIST)],
    ),
    "checkbox": Case(
        [(True, PLAIN, {"checked": "true"}, "v")],
        [("yes", PLAIN, "'yes' is neither true nor false"), (1, PLAIN, "neither")],
        empty=[(False, PLAIN)],
    ),
    "rating": Case(
        [(4, PLAIN, {"rating": 4}, "4"), (Decimal("5.0"), PLAIN, {"rating": 5}, "5")],
        [
            (6, PLAIN, "'6' is no rating; right would be a whole number from 1 to 5"),
            (-1, PLAIN, "no rating"),
            (Decimal("2.5"), PLAIN, "no rating"),
            ("good", PLAIN, "no rating"),
        ],
        empty=[(0, PLAIN)],
    ),
    "color_picker": Case(
        [("#ff5733", PLAIN, {"color": "#FF5733"}, "#FF5733")],
        [("red", PLAIN, "'red' is not a colour"), ("#ff57", PLAIN, "right would be '#FF5733'")],
    ),
    "date": Case(
        [
            (date(2026, 11, 22), PLAIN, {"date": "2026-11-22"}, "2026-11-22"),
            ("2026-11-22", PLAIN, {"date": "2026-11-22"}, "2026-11-22"),
            (EVENING, PLAIN, *moment("2026-11-23", "04:30:15")),
            (EVENING, IN_TOKYO, *moment("2026-11-23", "04:30:15")),
            (WITHOUT_ZONE, PLAIN, *moment("2026-11-22", "08:00:00")),
        ],
        [
            ("22.11.2026", PLAIN, "'22.11.2026' is not a date like 2026-11-22"),
            ("2026-02-30", PLAIN, "not a date"),
            (LAST_EVENING, PLAIN, "not in the years 1 to 9999 in the time zone UTC"),
        ],
    ),
    "timeline": Case(
        [
            ((FIRST, NINTH), PLAIN, *timeline("2026-10-01", "2026-10-09")),
            (FIRST, PLAIN, *timeline("2026-10-01", "2026-10-01")),
            ((None, NINTH), PLAIN, *timeline("2026-10-09", "2026-10-09")),
            ((EVENING, None), IN_TOKYO, *timeline("2026-11-23", "2026-11-23")),
            ((FIRST, EVENING), Options(zone=NEW_YORK), *timeline("2026-10-01", "2026-11-22")),
        ],
        [
            ((NINTH, FIRST), PLAIN, "ends on 2026-10-01, before it starts on 2026-10-09"),
            (("soon", None), PLAIN, "'soon' is not a date"),
            ((None, FIRST_MOMENT), IN_NEW_YORK, "not in the years 1 to 9999"),
        ],
        empty=[((None, None), PLAIN)],
    ),
    "week": Case(
        [
            (date(2026, 11, 22), PLAIN, *week("2026-11-16", "2026-11-22")),
            (EVENING, IN_TOKYO, *week("2026-11-23", "2026-11-29")),
        ],
        [
            ("now", PLAIN, "not a date"),
            (date.max, PLAIN, "'9999-12-31' lies in no whole week"),
            (FIRST_MOMENT, IN_NEW_YORK, "1 to 9999 in the time zone America/New_York"),
        ],
    ),
    "hour": Case(
        [
            ("16:42", PLAIN, {"hour": 16, "minute": 42}, "16:42"),
            (" 9:05:59.5", PLAIN, {"hour": 9, "minute": 5}, "09:05"),
            ("00:00", PLAIN, {"hour": 0, "minute": 0}, "00:00"),
            (EVENING, PLAIN, {"hour": 4, "minute": 30}, "04:30"),
            (EVENING, IN_TOKYO, {"hour": 13, "minute": 30}, "13:30"),
        ],
        [
            ("24:00", PLAIN, "'24:00' is not a time of day like 16:42"),
            ("12:60", PLAIN, "not a time of day"),
            ("4 pm", PLAIN, "not a time of day"),
            (LAST_MOMENT, IN_TOKYO, "'9999-12-31 23:59+00:00' is not in the years 1 to 9999"),
        ],
    ),
    "world_clock": Case(
        [("Europe/Paris", PLAIN, {"timezone": "Europe/Paris"}, "Europe/Paris")],
        [("Paris", PLAIN, "'Paris' is not a time zone; right would be 'Europe/Paris'")],
    ),
    "email": Case(
        [("a@b.co", PLAIN, email("a@b.co"), "a@b.co"), (" ä@b.co ", PLAIN, email("ä@b.co"), None)],
        [
            ("buyer at example.com", PLAIN, "not an e-mail address"),
            ("a@b", PLAIN, "'a@b' is not an e-mail address"),
            ("a@b@c.de", PLAIN, "not an e-mail address"),
            ("a@b.de c@d.de", PLAIN, "not an e-mail address"),
        ],
    ),
    "phone": Case(
        [
            ("+1 (202) 555-0169", PLAIN, phone("+12025550169"), "12025550169"),
            ("+1 202 555 0169 US", PLAIN, phone("+12025550169", "US"), "12025550169 US"),
            ("202 555 0169", AMERICAN, phone("2025550169", "US"), "2025550169 US"),
            ("020 7946 0990 GB", AMERICAN, phone("02079460990", "GB"), "02079460990 GB"),
            ("+49 (0)30/123456", AMERICAN, phone("+4930123456"), "4930123456"),
            ("٠٢١٥٥٥٠١", PLAIN, phone("02155501"), "02155501"),
        ],
        [
            ("123", PLAIN, "'123' is not a phone number; right would be '+1 202 555 0169'"),
            ("+1 202 555 0169 ext. 12", PLAIN, "not a phone number"),
            ("+1 202 555 0169 us", PLAIN, "not a phone number"),
            ("12+34567", PLAIN, "not a phone number"),
            ("1" * 16, PLAIN, "not a phone number"),
        ],
    ),
    "link": Case(
        [
            (f" {SITE} ", PLAIN, {"url": SITE, "text": SITE}, SITE),
        ],
        [
            ("www.example.com", PLAIN, "must start with http"),
            ("https://", PLAIN, "not a web address"),
            ("http://[", PLAIN, "not a web address"),
            ("https://a.b c", PLAIN, "not a web address"),
            ("javascript:alert(1)", PLAIN, "not a web address"),
        ],
    ),
    "country": Case(
        [
            ("us United States", PLAIN, USA, "US"),
        ],
        [
            ("US", PLAIN, "right would be code and name: 'US United States'"),
            ("USA United States", PLAIN, "not a country"),
        ],
    ),
    "location": Case(
        [
            (
                "52.520 13.405 Berlin, Mitte",
                PLAIN,
                {"lat": "52.52", "lng": "13.405", "address": "Berlin, Mitte"},
                "52.52 13.405 Berlin, Mitte",
            ),
            ("-33.9,-180", PLAIN, {"lat": "-33.9", "lng": "-180", "address": ""}, "-33.9 -180"),
            ("0; 0.0; Null", PLAIN, {"lat": "0", "lng": "0", "address": "Null"}, "0 0 Null"),
            ("-33, 151,Sea", PLAIN, {"lat": "-33", "lng": "151", "address": "Sea"}, "-33 151 Sea"),
        ],
        [
            ("Berlin", PLAIN, "'Berlin' is not a place; right would be '52.52 13.405 Berlin'"),
            ("91 0 x", PLAIN, "not a place"),
            ("90 0 the pole", PLAIN, "not a place"),
            ("0 181 x", PLAIN, "not a place"),
            ("NaN 0 x", PLAIN, "not a place"),
            ("52,52 13,405 Berlin", PLAIN, "'52,52 13,405 Berlin' has a comma inside of a number"),
            ("52.52 13,405 Berlin", PLAIN, "a comma inside of a number; right would be '52.52 "),
        ],
    ),
    "people": Case(
        [
            (1001, PLAIN, people(("person", 1001)), ["person:1001"]),
            (
                "team:2001; 1002;person:1001",
                LIST,
                people(("team", 2001), ("person", 1002), ("person", 1001)),
                ["person:1001", "person:1002", "team:2001"],
            ),
        ],
        [
            ("owner@sandbox.example", PLAIN, "is nobody; right would be a user's id"),
            ("group:1", PLAIN, "'group:1' is nobody"),
        ],
        empty=[(";", LIST)],
    ),
    "board_relation": links(9_700_000_001, 9_700_000_002),
    "dependency": links(9_700_000_001, 9_700_000_002),
}
#: Weeks that begin on Sunday, which only an account set so takes.
SUNDAY_WEEK = (date(2026, 11, 22), SUNDAYS, *week("2026-11-22", "2026-11-28"))

TAKEN = [(kind, *one) for kind, case in CASES.items() for one in case.taken]
REFUSED = [(kind, *one) for kind, case in CASES.items() for one in case.refused]
#: What clears a column, by type.
CLEARING = [
    (kind, value, options)
    for kind, case in CASES.items()
    for value, options in [(None, PLAIN), ("", PLAIN), *case.empty]
]
