"""Any few reads of any few rows: what becomes of them is the same where no row is known again."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from delta_cases import headers_node, order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seen_cases import Twice, deltas, made, off, rejected, snapshot

from syncflow_dagster.nodes.delta import source

_THOROUGH = settings.get_current_profile_name() == "thorough"
# An example is some eight builds.
_CASES = settings(
    deadline=None,
    max_examples=settings().max_examples // 20 if _THOROUGH else 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
#: What is known of one rejection and not of another that is alike to the letter.
_OF_ONE = {"times", "first_batch"}

ROWS = st.builds(
    order,
    st.sampled_from(["A", "A ", "B", "\tB", "C", "D", None]),
    customer=st.sampled_from(["ACME", "ACME", " ACME", "Other", None]),
    total=st.sampled_from(["1", "1.00", "2", "x", None]),
)


@st.composite
def reads(draw):
    """Reads of rows from one small store of them, so that most come again."""
    rows = st.sampled_from(draw(st.lists(ROWS, min_size=2, max_size=6)))
    read = st.tuples(st.lists(rows, min_size=1, max_size=7), st.booleans() | st.just(True))
    return draw(st.lists(read, min_size=2, max_size=4))


class _Compared(Twice):
    """Tells nobody apart who is alike: see `rejected`."""

    def same(self, node):
        first, second = node, off(node)
        for look in (deltas, snapshot):
            assert look(self.database, first) == look(self.database, second)
        open_now = [rejected(self.database, one, only_open=True) for one in (first, second)]
        without = [
            [{name: row[name] for name in row if name not in _OF_ONE} for row in rows]
            for rows in open_now
        ]
        assert sorted(without[0], key=str) == sorted(without[1], key=str)


@pytest.mark.parametrize("rule", ["reject", "first", "last"])
def test_property_reads_of_rows_known_again_give_what_reads_of_new_ones_give(database, rule):
    node = headers_node(duplicates=rule, deletes={"max_share": 1})
    twice, known_again = _Compared(database), []
    twice(node, [order("A")])

    @_CASES
    @given(reads(), st.integers(1, 4))
    def of_reads(reads, chunk):
        twice.execute(node, "truncate {0}, {0}_snapshot")
        database.execute("truncate rejected_record, delta_cursor")
        with patch.object(source.cuts, "__defaults__", (chunk,)):
            for rows, complete in reads:
                result = twice(node, rows, complete=complete)
                known_again.append(result.counts["records"] - made(result))

    of_reads()
    assert any(known_again)
