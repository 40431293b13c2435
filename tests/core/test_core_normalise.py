"""The five layers: examples for every rule, and properties that must hold for any value."""

# ruff: noqa: DTZ001, RUF001 - wall clocks and other scripts are what is tested here
from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import strategies as st

from syncflow_dagster.core.normalise import mapping, strings, types
from syncflow_dagster.core.normalise.datetimes import Clock

S = pl.Series
D = Decimal
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def coerce(values, kind, scale=2, timezone="UTC"):
    series = values if isinstance(values, pl.Series) else S(values)
    return types.coerce(series, kind, scale, Clock(timezone))


def broken(column):
    return [(fault.rule, fault.rows.arg_true().to_list()) for fault in column.faults]


@pytest.mark.parametrize(
    "values",
    [
        S([1, 1, 1]),
        S([1.0, 1.0, 1.0]),
        S([D("1.00"), D("1.0"), D("1")]),
        S(["1", "1.0", " +1.00 "]),
        S(["1", "1E0", "0.1e1"]),
        S([True, True, True]),
        S([1, 1, 1], dtype=pl.UInt64),
        S([1, 1, 1], dtype=pl.Int128),
        S([1.0, 1.0, 1.0], dtype=pl.Float32),
        S([b"1", b"1.", b"1.00"]),
        S(["1", "1.0", "1.00"], dtype=pl.Categorical),
    ],
)
def test_one_is_one_however_the_source_stores_it(values):
    assert coerce(values, "decimal").values.to_list() == [D("1.00")] * 3
    assert coerce(values, "integer").values.to_list() == [1] * 3
    assert coerce(values, "decimal").values.dtype == pl.Decimal(38, 2)


def test_decimals_round_half_to_even_without_float_noise():
    texts = ["0.125", "0.135", "-0.125", "2.675", "0.1250000000000000000000001", "-0.001"]
    expected = [D("0.12"), D("0.14"), D("-0.12"), D("2.68"), D("0.13"), D("0.00")]
    assert coerce(texts, "decimal").values.to_list() == expected
    floats = [2.675, 0.1 + 0.2, 1.0149999999999999, -0.0, 1e21, 1e-12, 12345678901234.567]
    assert coerce(floats, "decimal").values.to_list() == [
        D("2.68"), D("0.30"), D("1.02"), D("0.00"), D("1E21"), D("0.00"), D("12345678901234.57"),
    ]  # fmt: skip
    assert coerce([9007199254740991.0], "decimal").values.to_list() == [D(9007199254740991)]


def test_floats_past_their_last_digit_are_what_their_shortest_text_says():
    assert coerce([2.0**60], "text").values.to_list() == ["1152921504606847000"]
    assert coerce([2.0**60], "integer").values.to_list() == [1152921504606847000]
    assert coerce([2.0**60], "decimal").values.to_list() == [D(1152921504606847000)]
    assert coerce([999999999999998.0], "decimal", 0).values.to_list() == [D(999999999999998)]


def test_numbers_that_are_none_are_null_or_rejected():
    column = coerce([float("nan"), float("inf"), None, 2.0], "decimal")
    assert column.values.to_list() == [None, None, None, D("2.00")]
    assert broken(column) == [("finite", [1])]
    column = coerce(["NaN", "-Infinity", "1,000", "12 000", "0x1F", "٣", "", " ", "7"], "decimal")
    assert column.values.to_list() == [None] * 8 + [D("7.00")]
    assert broken(column) == [("finite", [1]), ("number", [2, 3, 4, 5])]


def test_numbers_that_do_not_fit_are_rejected_not_cut():
    assert broken(coerce(["1e36", "1e35", "1e400"], "decimal")) == [("range", [0, 2])]
    assert broken(coerce(S([2**63, 5], dtype=pl.UInt64), "integer")) == [("range", [0])]
    assert broken(coerce(["9223372036854775808", "9223372036854775807"], "integer")) == [
        ("range", [0])
    ]
    assert broken(coerce([1.5, 3.0000000000001, 2.0], "integer")) == [("integer", [0])]
    assert coerce([3.0000000000001], "integer").values.to_list() == [3]


def test_a_type_that_cannot_become_the_field_is_rejected_by_row():
    assert broken(coerce([[1], None, [2]], "text")) == [("type", [0, 2])]
    assert broken(coerce([date(2026, 1, 1), None], "decimal")) == [("type", [0])]
    assert broken(coerce([5, None], "date")) == [("type", [0])]
    assert broken(coerce([timedelta(1)], "boolean")) == [("type", [0])]


def test_any_source_type_gives_the_declared_type_for_nulls():
    sources = [pl.Null, pl.Int8, pl.Float32, pl.Decimal(9, 3), pl.Boolean, pl.Date, pl.Time,
               pl.Datetime("ns"), pl.Datetime("ms", "Asia/Tehran"), pl.Binary, pl.String,
               pl.Categorical, pl.Duration("us"), pl.List(pl.Int8)]  # fmt: skip
    for kind in ("text", "integer", "decimal", "boolean", "date", "datetime"):
        for source in sources:
            for values in ([], [None, None]):
                column = coerce(S(values, dtype=source), kind)
                assert column.values.to_list() == values
                assert column.values.dtype == types.polars_type(kind, 2)
                assert column.faults == ()


def test_texts_of_numbers_dates_and_bytes():
    assert coerce([1001, 7], "text").values.to_list() == ["1001", "7"]
    assert coerce([1001.0, 0.1 + 0.2, 1e-7, 1e21, -0.0], "text").values.to_list() == [
        "1001", "0.3", "0.0000001", "1" + "0" * 21, "0",
    ]  # fmt: skip
    assert coerce([D("1001.00"), D("1.50")], "text").values.to_list() == ["1001", "1.5"]
    assert coerce([True, None], "text").values.to_list() == ["true", None]
    assert coerce([date(2026, 2, 28)], "text").values.to_list() == ["2026-02-28"]
    column = coerce([b"Zo\xc3\xab", b"\xed\xa0\x80"], "text")
    assert column.values.to_list() == ["Zoë", None]
    assert broken(column) == [("utf8", [1])]


def test_truth_values():
    column = coerce(["Yes", "f", " 1 ", "", "maybe", "TRUE"], "boolean")
    assert column.values.to_list() == [True, False, True, None, None, True]
    assert broken(column) == [("boolean", [4])]
    assert broken(coerce([1, 0, 2], "boolean")) == [("boolean", [2])]
    assert coerce([D("1.0"), D("0.0")], "boolean").values.to_list() == [True, False]


def test_only_iso_dates_that_exist():
    column = coerce(
        ["2026-02-28", "31/02/2026", "2026-02-31", "20260228", "2026-2-8", "", "0000-01-01"], "date"
    )
    assert column.values.to_list() == [date(2026, 2, 28)] + [None] * 6
    assert broken(column) == [("date", [1, 3, 4]), ("date", [2]), ("range", [6])]
    assert "right would be 2026-02-28" in column.faults[0].reason


def test_a_day_of_an_instant_is_read_in_the_fields_zone():
    texts = ["2026-01-31T23:30:00Z", "2026-01-31T23:30:00"]
    assert coerce(texts, "date", timezone="Europe/Berlin").values.to_list() == [
        date(2026, 2, 1),
        date(2026, 1, 31),
    ]
    instants = S([datetime(2026, 1, 31, 23, 30, tzinfo=UTC)])
    assert coerce(instants, "date", timezone="Europe/Berlin").values.to_list() == [date(2026, 2, 1)]


def test_texts_dates_and_instants_meet_in_utc():
    expected = [datetime(2026, 2, 28, 12, 45, tzinfo=UTC)]
    for text in ("2026-02-28T13:45", "2026-02-28 13:45:00", "2026-02-28T12:45:00Z",
                 "2026-02-28T08:45:00-04:00", "2026-02-28t14:15:00.000 +0130"):  # fmt: skip
        assert coerce([text], "datetime", timezone="Europe/Berlin").values.to_list() == expected
    naive = S([datetime(2026, 2, 28, 13, 45)], dtype=pl.Datetime("ns"))
    assert coerce(naive, "datetime", timezone="Europe/Berlin").values.to_list() == expected
    midnight = coerce([date(2026, 7, 1)], "datetime", timezone="Europe/Berlin").values.to_list()
    assert midnight == [datetime(2026, 6, 30, 22, tzinfo=UTC)]


def test_hours_that_occur_twice_or_never():
    values = [datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)]
    for source in (values, [each.isoformat() for each in values]):
        column = coerce(source, "datetime", timezone="Europe/Berlin")
        assert column.values.to_list() == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None]
        assert broken(column) == [("timezone", [1])]
        assert "Europe/Berlin" in column.faults[0].reason


def test_digits_past_the_microsecond_are_cut_off():
    texts = ["2026-01-01T00:00:00.123456999Z", "2026-01-01T00:00:00.5Z"]
    assert [each.microsecond for each in coerce(texts, "datetime").values] == [123456, 500000]
    nanoseconds = S([-1], dtype=pl.Int64).cast(pl.Datetime("ns"))
    assert coerce(nanoseconds, "datetime").values.dt.timestamp("us").to_list() == [-1]


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T24:00:00", "2026-01-01T23:60", "2026-01-01T10:00:60", "2026-01-01T10:00+16:00",
     "2026-01-01T10:00-16:00", "2026-01-01T10:00+01:60", "2026-01-01T10:00-0160",
     "2026-02-30T10:00:00", "01.02.2026 10:00", "2026-01-01T10", "tomorrow"],
)  # fmt: skip
def test_times_that_do_not_exist_are_rejected(text):
    column = coerce([text, "2026-01-01"], "datetime")
    assert column.values.null_count() == 1
    assert broken(column) == [("datetime", [0])]


def test_years_python_cannot_read_back_are_rejected():
    for day, there in ((-719_163, False), (-719_162, True), (2_932_896, True), (2_932_897, False)):
        days = S([day], dtype=pl.Int32).cast(pl.Date)
        faults = [] if there else [("range", [0])]
        assert broken(coerce(days, "date")) == faults
        assert broken(coerce(days.cast(pl.Datetime("ms")), "datetime")) == faults
    late = coerce(["9999-12-31T23:59:59-05:00"], "datetime")
    assert broken(late) == [("range", [0])]


#: The farthest values of each type, beyond which polars cannot write or convert them.
FAR = [
    S([2**31 - 1, 0, -(2**31)], dtype=pl.Int32).cast(pl.Date),
    *(
        S([2**63 - 1, 0, -(2**63) + 1]).cast(pl.Datetime(unit, zone))
        for unit in ("ms", "us")
        for zone in (None, "UTC", "Asia/Tehran")
    ),
]


@pytest.mark.parametrize("values", FAR, ids=lambda values: str(values.dtype))
@pytest.mark.parametrize("kind", ["date", "datetime", "text"])
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin"])
def test_dates_too_far_away_to_be_handled_reject_their_row(values, kind, timezone):
    column = coerce(values, kind, timezone=timezone)
    assert broken(column) == [("range", [0, 2])]
    assert column.values.null_count() == 2
    assert column.values.equals(
        coerce(values[1:2], kind, timezone=timezone).values.gather([None, 0, None])
    )


def test_a_text_field_keeps_years_that_can_be_written():
    days = S([-719_163, 3_000_000], dtype=pl.Int32).cast(pl.Date)
    assert coerce(days, "text").values.to_list() == ["0000-12-31", "+10183-09-21"]


def test_a_day_moves_out_of_range_with_its_zone():
    last = S([datetime(9999, 12, 31, 23, 30, tzinfo=UTC)])
    assert broken(coerce(last, "date", timezone="Asia/Tokyo")) == [("range", [0])]
    first = S([datetime(1, 1, 1)])
    assert broken(coerce(first, "datetime", timezone="Asia/Tokyo")) == [("range", [0])]
    assert broken(coerce(S([0]).cast(pl.Datetime("ns")), "date")) == []


def test_white_space_is_unicodes_own_class():
    text = S([f"{each}a{each}{each}b{each}" for each in strings.WHITE_SPACE])
    assert set(strings.normalise(text, "collapse", "keep", "null").values) == {"a b"}
    trimmed = strings.normalise(text, "trim", "keep", "null").values.to_list()
    nfc = [unicodedata.normalize("NFC", each) for each in strings.WHITE_SPACE]
    assert trimmed == [f"a{each}{each}b" for each in nfc]
    assert strings.normalise(text, "keep", "keep", "null").values.to_list() == (
        S([unicodedata.normalize("NFC", each) for each in text]).to_list()
    )
    joiner = S(["می\u200cخواهم", "\u200fשלום", "\x1fx"])
    assert strings.normalise(joiner, "collapse", "keep", "null").values.equals(joiner)


def test_blanks_are_found_wherever_they_stand():
    values = S(["a b", " a", "b", "a ", "", " ", "b  a", None, "a\tb", "a", "\u00a0a", ""])
    collapsed = ["a b", "a", "b", "a", "", "", "b a", None, "a b", "a", "a", ""]
    assert strings.normalise(values, "collapse", "keep", "keep").values.to_list() == collapsed
    for row in range(len(values)):
        alone = strings.normalise(values[row : row + 1], "collapse", "keep", "keep").values
        assert alone.to_list() == [collapsed[row]]


def test_empty_texts_case_and_nul():
    values = S(["", "  ", "Straße", None, "a\x00b"])
    before = values.clone()
    column = strings.normalise(values, "collapse", "upper", "null")
    assert column.values.to_list() == [None, None, "STRASSE", None, None]
    assert broken(column) == [("nul", [4])]
    assert values.equals(before)
    kept = strings.normalise(values.head(2), "collapse", "keep", "keep")
    assert kept.values.to_list() == ["", ""]


def test_mapping_transforms():
    assert mapping.constant("x", 2).to_list() == ["x", "x"]
    parts = [S(["a", None, "", None]), S(["b", "c", None, None])]
    assert mapping.concat(parts, "-").to_list() == ["a-b", "c", None, None]
    table = {"a": "1", "e\u0301": "2"}
    values = S(["a", "é", "z", None])
    assert mapping.lookup(values, table, "keep").values.to_list() == ["1", "2", "z", None]
    assert mapping.lookup(values, table, "null").values.to_list() == ["1", "2", None, None]
    column = mapping.lookup(values, table, "reject")
    assert broken(column) == [("lookup", [2])]


def test_required_and_longest():
    assert broken(mapping.require(S(["a", None]))) == [("required", [1])]
    column = mapping.limit_length(S(["éé", "ééé", None]), 2)
    assert column.values.to_list() == ["éé", None, None]
    assert broken(column) == [("max_length", [1])]
