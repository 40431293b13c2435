"""Fair turns as the matrix simulates them, with few owners: the real dispatcher on one place."""

from syncflow_dagster.testing.faults.turns import TICK_S, simulate


def test_a_large_owner_leaves_its_place_after_a_turn_and_gets_it_back(database_url):
    waits = simulate(database_url, 1, owners=4, many=10_000, few=10, turn_s=60)
    assert waits.left == 0
    # The large one has its turn first; each of the others takes a tick then.
    assert waits.longest_s == 60 + 3 * TICK_S
    assert waits.done_s["owner_00"] == 100 + 3 * TICK_S
