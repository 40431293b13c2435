"""Any few reads of any few rows: what becomes of them is the same where no row is known again."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from delta_cases import headers_node, order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seen_cases import Twice, made

from syncflow_dagster.nodes.delta import source

_THOROUGH = settings.get_current_profile_name() == "thorough"
# An example is some eight builds.
_CASES = settings(
    deadline=None,
    max_examples=settings().max_examples // 50 if _THOROUGH else 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ROWS = st.builds(
    order,
    st.sampled_from(["A", "A ", "B", "\tB", "C", "D", None]),
    customer=st.sampled_from(["ACME", "ACME", " ACME", "Other", None]),
    total=st.sampled_from(["1", "1.00", "2", "x", None]),
    notes=st.sampled_from(["n", "m", None]),
)


@st.composite
def reads(draw):
    """Reads of rows from one small store of them, so that most come again."""
    rows = st.sampled_from(draw(st.lists(ROWS, min_size=2, max_size=6)))
    read = st.tuples(st.lists(rows, min_size=1, max_size=7), st.booleans() | st.just(True))
    return draw(st.lists(read, min_size=2, max_size=4))


@pytest.mark.parametrize("rule", ["reject", "first", "last"])
def test_property_reads_of_rows_known_again_give_what_reads_of_new_ones_give(database, rule):
    node = headers_node(duplicates=rule, deletes={"max_share": 1})
    twice, known_again = Twice(database), []
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
