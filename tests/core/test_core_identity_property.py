"""The serialisation, for any rows: nothing is lost in it, and two engines write it alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from core_cases import ROWS, TEXTS, VALUES, frame_of
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.encoding import encode_row

KINDS = list(VALUES)
ANY_VALUE = st.none() | st.binary() | st.one_of(*VALUES.values())
HASHES = (hashing.key_hashes, hashing.data_hashes, hashing.field_hashes)


def ids(frame, engine):
    return hashing.record_uuids("workflow", "entity", hashing.key_hashes(frame, "python"), engine)


class Reader:
    """Reads the serialisation back; written from its description, not from the encoder."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, count):
        self.place += count
        assert self.place <= len(self.data)
        return self.data[self.place - count : self.place]

    def varint(self):
        number, shift = 0, 0
        while True:
            [byte] = self.take(1)
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def signed(self):
        return self.varint() if self.take(1) == b"\x01" else -self.varint()

    def value(self):
        match self.take(1)[0]:
            case 0x00:
                return None
            case 0x01:
                return False
            case 0x02:
                return True
            case 0x03:
                return self.signed()
            case 0x05:
                return self.take(self.varint()).decode()
            case 0x06:
                return self.take(self.varint())
            case 0x07:
                return date(1970, 1, 1) + timedelta(self.signed())
            case 0x09:
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
                    microseconds=self.signed() // 1000
                )
            case 0x0B:
                return Decimal(self.signed()).scaleb(-self.varint())

    def row(self):
        assert self.take(1) == b"\x0d"
        values = [self.value() for _ in range(self.varint())]
        assert self.place == len(self.data)
        return values


@settings(deadline=None)
@given(st.lists(ANY_VALUE, max_size=8))
def test_a_row_can_be_read_back_so_no_two_rows_share_their_bytes(row):
    back = Reader(encode_row(row)).row()
    assert back == row
    assert list(map(type, back)) == list(map(type, row))


@settings(deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=4), st.lists(st.none() | TEXTS, max_size=4))
def test_texts_cannot_be_cut_elsewhere(left, right):
    assert (encode_row(left) == encode_row(right)) == (left == right)


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6), st.sampled_from([*HASHES, ids]))
def test_both_engines_give_the_same_hashes(rows, function):
    frame = frame_of(KINDS, rows)
    assert (function(frame, "polars") == function(frame, "python")).all()


@settings(deadline=None)
@given(st.lists(ROWS, min_size=2, max_size=6), st.sampled_from(HASHES), st.data())
def test_a_row_s_hash_is_its_own(rows, function, data):
    """Neither its neighbours nor the names of the columns nor where a chunk ends change it."""
    frame = frame_of(KINDS, rows)
    cut = data.draw(st.integers(0, len(rows)))
    order = data.draw(st.permutations(range(len(rows))))
    named = frame.rename({name: f"other {name}" for name in frame.columns})
    whole = function(frame)
    parts = [function(frame.head(cut)), function(frame.slice(cut))]
    assert (np.concatenate(parts) == whole).all()
    assert (function(frame[order]) == whole[order]).all()
    assert (function(named) == whole).all()
