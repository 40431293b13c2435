"""The layers, for any values: a second pass, another source, a neighbour change nothing."""

# ruff: noqa: DTZ001, RUF001 - wall clocks and letters of other scripts are what is tested here

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

import polars as pl
from core_cases import TEXTS
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.normalise import strings, types
from syncflow_dagster.core.normalise.datetimes import Clock

D = Decimal
S = pl.Series
WHITESPACE = st.sampled_from(["collapse", "trim", "keep"])
CASE = st.sampled_from(["keep", "upper", "lower"])
EMPTY = st.sampled_from(["null", "keep"])
#: Texts in which something is to be done more often than in any texts.
ODD_TEXTS = (
    TEXTS
    | st.text("ab ", max_size=4)
    | st.text("  \t\u0085\u00a0\u2003aÀe\u0301\u1100\u1161\u2126ßıﬁ°", max_size=8)
)
CLOCKS = st.builds(
    Clock,
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo"]),
    st.sampled_from(["earliest", "latest", "reject"]),
    st.sampled_from(["second", "millisecond", "microsecond"]),
)
KINDS = st.sampled_from(["text", "integer", "decimal", "boolean", "date", "datetime"])
OFFSETS = st.none() | st.integers(-20, 20).map(lambda hours: timezone(timedelta(hours=hours)))
#: Texts as files and databases hold them, good and bad.
WRITTEN = (
    ODD_TEXTS
    | st.sampled_from(
        ["", " ", "NaN", "inf", "-0", "1.", "+.5", "1e3", "1,5", "yes", " F ", "maybe"]
    )
    | st.decimals(-(10**20), 10**20, allow_nan=False).map(str)
    | st.floats().map(repr)
    | st.datetimes(timezones=OFFSETS).map(datetime.isoformat)
    | st.dates().map(date.isoformat)
)
COLUMNS = (
    st.lists(st.none() | WRITTEN, max_size=8).map(lambda values: S(values, dtype=pl.String))
    | st.lists(st.none() | st.binary(max_size=6), max_size=8).map(
        lambda each: S(each, dtype=pl.Binary)
    )
    | st.lists(st.none() | st.floats(), max_size=8).map(lambda each: S(each, dtype=pl.Float64))
    | st.lists(st.none() | st.floats(width=32), max_size=8).map(
        lambda each: S(each, dtype=pl.Float32)
    )
    | st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=8).map(
        lambda each: S(each, dtype=pl.Int64)
    )
    | st.lists(st.none() | st.decimals(-(10**9), 10**9, places=7), max_size=8).map(
        lambda each: S(each, dtype=pl.Decimal(38, 7))
    )
    | st.lists(st.none() | st.datetimes(), max_size=8).map(
        lambda each: S(each, dtype=pl.Datetime("us"))
    )
    | st.lists(st.none() | st.booleans(), max_size=8).map(lambda each: S(each, dtype=pl.Boolean))
    | st.lists(st.none() | st.dates(), max_size=8).map(lambda each: S(each, dtype=pl.Date))
)


def broken(column, rows=slice(None)):
    found = {}
    for fault in column.faults:
        told = fault.rows.to_list()[rows]
        earlier = found.get((fault.rule, fault.reason), [False] * len(told))
        found[fault.rule, fault.reason] = [a or b for a, b in zip(earlier, told, strict=True)]
    return {key: told for key, told in found.items() if any(told)}


@settings(deadline=None)
@given(COLUMNS, KINDS, st.integers(0, 18), CLOCKS)
@example(S([datetime(2026, 10, 25, 2, 30)]), "datetime", 0, Clock("Europe/Berlin", "latest"))
def test_a_second_pass_changes_nothing_and_a_fault_takes_only_its_value(values, kind, scale, clock):
    once = types.coerce(values, kind, scale, clock)
    assert once.values.dtype == types.polars_type(kind, scale)
    assert len(once.values) == len(values)
    for fault in once.faults:
        assert fault.rows.any()
        assert once.values.filter(fault.rows).null_count() == fault.rows.sum()
    twice = types.coerce(once.values, kind, scale, clock)
    assert twice.faults == ()
    assert twice.values.equals(once.values)


@settings(deadline=None)
@given(COLUMNS, KINDS, st.integers(0, 18), CLOCKS, st.data())
def test_where_a_chunk_ends_changes_nothing(values, kind, scale, clock, data):
    whole = types.coerce(values, kind, scale, clock)
    cut = data.draw(st.integers(0, len(values)))
    for rows in (slice(0, cut), slice(cut, None)):
        part = types.coerce(values[rows], kind, scale, clock)
        assert part.values.to_list() == whole.values.to_list()[rows]
        assert broken(part) == broken(whole, rows)


@settings(deadline=None)
@given(st.lists(st.none() | ODD_TEXTS, max_size=6), WHITESPACE, CASE, EMPTY, st.data())
def test_texts_are_nfc_and_a_second_pass_or_a_chunk_s_end_changes_nothing(
    values, whitespace, case, empty, data
):
    def normalise(texts):
        return strings.normalise(
            S(texts, dtype=pl.String), whitespace, case, empty
        ).values.to_list()

    once = normalise(values)
    cut = data.draw(st.integers(0, len(values)))
    assert normalise([*values[cut:], *once]) == once[cut:] + once
    for text in filter(None, once):
        assert unicodedata.is_normalized("NFC", text)
        if whitespace != "keep":
            assert text == text.strip(strings.WHITE_SPACE)
        if whitespace == "collapse":
            assert text == " ".join(part for part in text.split(" ") if part)
            assert not set(text) & set(strings.WHITE_SPACE.replace(" ", ""))


@settings(deadline=None)
@given(ODD_TEXTS)
def test_texts_that_are_canonically_equal_become_equal(text):
    forms = S([unicodedata.normalize(form, text) for form in ("NFC", "NFD")])
    left, right = strings.normalise(forms, "collapse", "keep", "null").values
    assert left == right


@settings(deadline=None)
@given(st.integers(-(10**24), 10**24), st.integers(0, 12), st.integers(0, 10))
def test_decimals_of_text_are_exactly_rounded(unscaled, digits, scale):
    value = D(unscaled).scaleb(-digits, Context(prec=60))
    expected = value.quantize(D(1).scaleb(-scale), ROUND_HALF_EVEN, Context(prec=60))
    got = types.coerce(S([format(value, "f"), f"{unscaled}E-{digits}"]), "decimal", scale, Clock())
    assert got.values.to_list() == [expected, expected]


#: A number as sources may hold it; a float with the noise of a sum.
SOURCES = {
    "decimal": lambda value: S([value]),
    "long decimal": lambda value: S([value], dtype=pl.Decimal(38, 9)),
    "text": lambda value: S([str(value)]),
    "padded": lambda value: S([f" {value}" + "0" * ("." in str(value))]),
    "scientific": lambda value: S([f"{value:E}"]),
    "bytes": lambda value: S([str(value).encode()]),
    "float": lambda value: S([float(value)]),
    "noisy": lambda value: S([float(value) * (1 + 2**-52)]),
    "integer": lambda value: S([int(value) if value == int(value) else value]),
    "wide": lambda value: S([int(value)], dtype=pl.Int128) if value == int(value) else S([value]),
}


@settings(deadline=None)
@given(
    st.integers(-(10**11), 10**11),
    st.integers(0, 4),
    st.lists(st.sampled_from(sorted(SOURCES)), min_size=2, max_size=3),
)
@example(1, 0, sorted(SOURCES))
@example(-150, 2, sorted(SOURCES))
def test_one_number_has_one_hash_whatever_its_source(unscaled, scale, names):
    value = D(unscaled).scaleb(-scale)
    hashes = set()
    for name in names:
        made = types.coerce(SOURCES[name](value), "decimal", scale, Clock()).values
        assert made.item() == value
        hashes.add(hashing.data_hashes(made.to_frame()).tobytes())
    assert len(hashes) == 1


ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "UTC", "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/St_Johns",
            "America/Sao_Paulo", "Asia/Kathmandu", "Asia/Tehran", "Australia/Lord_Howe",
            "Pacific/Apia", "Africa/Casablanca",
        )
    ]
)  # fmt: skip


@settings(deadline=None)
@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES),
    ZONES,
    st.sampled_from(["T", " ", "Z", "ns"]),
)
def test_one_instant_is_one_value_whatever_its_zone_and_form(moment, zone, form):
    offset = moment.utcoffset() or timedelta()
    assume(not offset % timedelta(minutes=1))  # ISO 8601 has no offsets with seconds
    expected = moment.astimezone(UTC)
    match form:
        case "ns":
            assume(1700 < moment.year < 2200)
            instants = S([expected]).cast(pl.Datetime("ns", "UTC"))
            source = instants.dt.convert_time_zone("Asia/Tokyo")
        case "Z":
            source = S([expected.isoformat().replace("+00:00", "Z")])
        case separator:
            source = S([moment.isoformat(separator)])
    column = types.coerce(source, "datetime", 0, Clock(zone.key))
    assert column.values.to_list() == [expected]


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1)),
    ZONES,
    st.sampled_from(["earliest", "latest", "reject"]),
    st.booleans(),
)
@example(datetime(2025, 10, 26, 2, 30), ZoneInfo("Europe/Berlin"), "latest", True)
@example(datetime(2025, 10, 26, 2, 30), ZoneInfo("Europe/Berlin"), "reject", False)
@example(datetime(2025, 3, 30, 2, 30), ZoneInfo("Europe/Berlin"), "latest", False)
def test_wall_clocks_are_read_as_pythons_own_zones_read_them(wall, zone, ambiguous, as_text):
    moments = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    expected = max(moments) if ambiguous == "latest" else min(moments)
    there = expected.astimezone(zone).replace(tzinfo=None) == wall
    if ambiguous == "reject":
        there = moments[0] == moments[1]
    source = S([wall.isoformat() if as_text else wall])
    column = types.coerce(source, "datetime", 0, Clock(zone.key, ambiguous))
    assert column.values.to_list() == ([expected] if there else [None])
