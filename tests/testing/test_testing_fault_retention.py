"""Retention killed between two of its steps, as rows of the fault matrix."""

from __future__ import annotations

from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.bench.databases import Databases
from syncflow_dagster.testing.faults import retention


def test_a_kill_leaves_every_row_in_one_place_and_the_next_call_goes_on(postgres_url):
    (result,) = retention.killed_retention(
        lambda name: name.endswith("written"), records=1_100, url=postgres_url
    )
    assert result.error is None
    assert (result.duplicates, result.lost, result.unknown) == (0, 0, 0)
    assert result.second_run_writes == 0
    assert result.passed


def test_rows_that_are_twice_missing_or_left_are_seen(postgres_url):
    server = Databases(postgres_url)
    with Database(server.create("spoilt")) as database:
        migrate(database)
        retention._fill(database, 10)
        assert retention._retain(database) == 10
        calm = {"twice": 0, "rows": 20, "archived": 10, "effects": 10}
        assert retention._judge(database) == calm
        database.execute("delete from orders_delta where business_key = '3'")
        database.execute("delete from orders_delta_archive where business_key in ('3', '4')")
        database.execute(
            "insert into orders_delta overriding system value"
            " select * from orders_delta_archive where number = '5'"
        )
        found = retention._judge(database)
    assert found == {"twice": 1, "rows": 18, "archived": 8, "effects": 10}
    server.close()
