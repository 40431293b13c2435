"""Any family: what waits, why, and what is let go, against a reference in plain Python."""

from __future__ import annotations

from dataclasses import dataclass

from family_cases import family, prepared, put, record, states
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow_dagster.nodes.delta.cycles import find_cycles
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.delta.waiting import waiting

# How a record is known: by a state of its newest delta row, as deleted, or not at all.
FATES = ["WAITING"] * 4 + ["SYNCED", "PENDING", "DEAD", "deleted", "missing"]
_SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class One:
    key: str
    parent: str | None
    fate: str

    @property
    def waits(self):
        return self.fate == "WAITING" and self.parent is not None

    @property
    def is_live(self):
        return self.fate not in {"deleted", "missing"}

    def as_record(self):
        state = self.fate if self.is_live else "SYNCED"
        return record(self.key, self.parent, state=state, deleted=self.fate == "deleted")


@st.composite
def families(draw):
    keys = [f"k{n}" for n in range(draw(st.integers(1, 14)))]
    parents = [draw(st.none() | st.sampled_from([*keys, "nobody"])) for _ in keys]
    ones = [
        One(key, parent, draw(st.sampled_from(FATES)))
        for key, parent in zip(keys, parents, strict=True)
    ]
    return {one.key: one for one in ones}


def _cause(one, all_):
    """Cause of a waiting record, its first cause and its depth, by going up one by one."""
    first, seen, depth = None, [], 0
    while True:
        parent = all_.get(one.parent)
        depth += 1
        seen.append(one.key)
        if parent is None or parent.fate == "missing":
            last = "never_seen"
        elif parent.fate == "deleted":
            last = "deleted"
        elif parent.fate == "DEAD":
            last = "dead"
        elif not parent.waits:
            last = "coming"
        elif parent.key in seen:
            is_on_ring = parent.key == seen[0]
            return ("cycle" if is_on_ring else "waiting"), "cycle", None
        else:
            last = None
        if last is not None:
            return (first or last), last, depth
        first, one = "waiting", parent


def _on_rings(all_):
    found = set()
    for key in all_:
        way, at = [], key
        while at in all_ and all_[at].is_live and all_[at].parent is not None and at not in way:
            way.append(at)
            at = all_[at].parent
        if at in way and at == key:
            found |= set(way)
    return found


def _let_go(all_):
    """Records whose parent is there, over and over until nothing changes."""
    held = {key for key, one in all_.items() if one.waits}
    while True:
        there = {key for key, one in all_.items() if one.is_live and key not in held}
        free = {key for key in held if all_[key].parent in there}
        if not free:
            return {key for key, one in all_.items() if one.waits} - held
        held -= free


@_SETTINGS
@given(all_=families())
def test_any_family(database, all_):
    workflow = prepared(database, family("tree", own=["tree"]))
    tree = workflow.node("tree")
    database.execute("truncate tree_delta, tree_delta_snapshot")
    known = [one.as_record() for one in all_.values() if one.fate != "missing"]
    if known:
        put(database, tree, known)
    found = waiting(database, workflow, tree)
    expected = {key: _cause(one, all_) for key, one in all_.items() if one.waits}
    assert {row.business_key: row.cause for row in found.rows} == {
        key: cause for key, (cause, _, _) in expected.items()
    }
    for row in found.rows:
        cause, _, depth = expected[row.business_key]
        assert row.family.depth == depth
        assert row.path[0] == (all_[row.business_key].parent if cause != "cycle" else row.path[-1])
    causes = [cause for cause, _, _ in expected.values()]
    assert found.statistics.causes == {cause: causes.count(cause) for cause in set(causes)}
    firsts = [first for cause, first, _ in expected.values() if cause == "waiting"]
    assert found.statistics.first_causes == {first: firsts.count(first) for first in set(firsts)}
    assert found.statistics.depth == max([depth or 0 for _, _, depth in expected.values()] + [0])
    rings = find_cycles(database, tree)
    assert rings.records == len(_on_rings(all_))
    assert {key for way in rings.samples for key in way} - {"…"} <= _on_rings(all_)
    with database.transaction() as conn:
        released = release_waiting(conn, tree, tree)
    after = states(database, tree)
    gone = {key for key, one in all_.items() if one.waits and after[key] == "PENDING"}
    assert gone == _let_go(all_)
    assert released == len(gone)
