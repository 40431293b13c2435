"""Builds against the plain-Python reference, and sorted runs against sorting as a whole.

With `--hypothesis-profile=thorough`, 100,000 rows are compared and 10,000 cases of each property
are tried.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from delta_cases import build, delta_rows, headers_node, rejected_rows, snapshot_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_build import (
    COMPARED,
    FIELDS,
    KEY,
    Reference,
    batches_of,
    data_of,
    field_hashes_of,
    record_uuid,
    rows_of,
)

from syncflow_dagster.core.detect.entries import by_key, entries, span
from syncflow_dagster.nodes.delta import runs, writing

THOROUGH = settings.get_current_profile_name() == "thorough"
ROWS = 100_000 if THOROUGH else 1_200
NODE = {"key": KEY, "fields": FIELDS, "customer": "customer_name", "deletes": {"max_share": 1}}


@pytest.fixture
def many_chunks(monkeypatch):
    """Cut the work so that records meet across chunks, batches and ranges of keys."""
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (ROWS // 6,))
    monkeypatch.setattr(runs, "RANGE_ENTRIES", ROWS // 4)
    monkeypatch.setattr(writing, "_GROUP", ROWS // 5)


# The rule `first` mirrors `last`; its choice has properties of its own in tests/core.
@pytest.mark.parametrize("rule", ["reject", "last"])
def test_reference_of_a_whole_build(database, many_chunks, rule):
    node = headers_node(duplicates=rule, **NODE)
    reference = Reference(rule)
    last = 0
    for seed, changed in ((1, 0.0), (2, 0.2), (3, 0.2)):
        rows = rows_of(ROWS, seed, changed)
        result = build(database, node, batches_of(rows, ROWS // 5))
        changes, rejected, counts = reference.build(rows)
        _same_counts(result.counts, counts, rejected, rows)
        there = [row for row in delta_rows(database, node) if row["delta_id"] > last]
        _same_changes(there, changes, reference)
        last = max(row["delta_id"] for row in there)
        _same_snapshot(snapshot_rows(database, node), reference)
        told = {row["row_number"] for row in rejected_rows(database) if not row["resolved_at"]}
        assert told == {place + 1 for place in rejected}
        database.execute("update order_list_delta set state = 'SYNCED' where state = 'PENDING'")
    assert {operation for _, operation, _ in changes} == {"INSERT", "UPDATE", "DELETE"}
    assert max(known.generation for known in reference.known.values()) == 2


def _same_counts(counts, expected, rejected, rows):
    assert counts["read"] == len(rows)
    assert {name: counts[name] for name in ("inserted", "updated", "deleted", "same")} == {
        "inserted": expected["INSERT"],
        "updated": expected["UPDATE"],
        "deleted": expected["DELETE"],
        "same": expected["SAME"],
    }
    assert (counts["rejected"], counts["duplicates"]) == (len(rejected), expected["duplicates"])


def _same_changes(there, changes, reference):
    """The same rows with the same content, inserts and updates in the source's order."""
    expected = []
    for key, operation, changed in changes:
        known = reference.known[key]
        gone = operation == "DELETE"
        names = KEY if gone else [each["name"] for each in FIELDS]
        expected.append(
            {
                "bk_hash": key,
                "operation": operation,
                "changed_columns": changed,
                "generation": known.generation,
                "record_uuid": record_uuid("orders", "order", key),
                "data_hash": None if gone else data_of(known.record),
                "business_key": f"{known.record['company']} / {known.record['number']}",
                "customer": known.record["customer_name"],
                **{name: known.record[name] for name in names},
            }
        )
    found = [{**row, "bk_hash": row["bk_hash"].bytes} for row in there]
    kept = sum(row["operation"] != "DELETE" for row in expected)
    for some in (expected, found):
        some[kept:] = sorted(some[kept:], key=lambda row: row["bk_hash"])
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert {name: row[name] for name in wanted} == wanted


def _same_snapshot(there, reference):
    found = {row["bk_hash"].bytes: row for row in there}
    assert found.keys() == reference.known.keys()
    for key, known in reference.known.items():
        row = found[key]
        assert (row["generation"], row["deleted_at"] is not None) == (
            known.generation,
            known.deleted,
        )
        assert row["record_uuid"] == record_uuid("orders", "order", key)
        if not known.deleted:
            assert row["data_hash"] == data_of(known.record)
            assert row["field_hashes"] == b"".join(field_hashes_of(known.record))
            assert len(row["field_hashes"]) == 8 * len(COMPARED)


HALVES = st.sampled_from([0, 1, 5, 1 << 63, (1 << 64) - 1])
KEYS = st.builds(lambda high, low: (high << 64 | low).to_bytes(16), HALVES, HALVES)


def _entries(keys, first):
    matrix = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 16)
    data = np.zeros((len(keys), 32), dtype=np.uint8)
    return entries(matrix, data, np.arange(first, first + len(keys)), 0)


CHUNKS = st.lists(st.lists(KEYS | st.binary(min_size=16, max_size=16), max_size=9), max_size=5)


@given(CHUNKS, st.integers(1, 9))
def test_property_runs_together_are_one_sorted_whole(chunks, pieces):
    with tempfile.TemporaryDirectory() as folder:
        sorted_runs, first = runs.Runs(), 0
        for number, keys in enumerate(chunks):
            path = Path(folder) / str(number)
            runs.write(path, _entries(keys, first))
            sorted_runs.add(path)
            first += len(keys)
        whole = by_key(_entries([key for keys in chunks for key in keys], 0))
        assert sorted_runs.length == len(whole)
        numbers = []
        for part in range(pieces):
            numbers += sorted_runs.between(*span(part, pieces))["number"].tolist()
        assert numbers == whole["number"].tolist()


@given(st.integers(0, 10**8), st.integers(1, 64), st.data())
def test_property_ranges_cover_a_part_without_gap_or_overlap(length, parts, data):
    first, last = span(data.draw(st.integers(0, parts - 1)), parts)
    found = list(runs.ranges(first, last, length))
    assert (found[0][0], found[-1][1]) == (first, last)
    assert all(start <= end for start, end in found)
    assert all(one[1] + 1 == two[0] for one, two in pairwise(found))
    assert length / len(found) <= runs.RANGE_ENTRIES
