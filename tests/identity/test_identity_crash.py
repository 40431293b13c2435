"""An identity node killed between any two of its steps, and run again."""

from __future__ import annotations

import pytest

from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.bench.databases import Databases
from syncflow_dagster.testing.faults import identity

PEOPLE = 60


@pytest.mark.process
def test_killed_at_any_step_and_run_again_nobody_and_no_move_is_twice_or_missing(postgres_url):
    names = list(identity.identity_cases())
    results = list(identity.killed_identities(lambda name: True, people=PEOPLE, url=postgres_url))
    assert [one.fault for one in results] == names
    assert [one.line(40) for one in results if not one.passed or one.error] == []


def test_what_is_twice_missing_or_undecided_is_seen(postgres_url):
    server = Databases(postgres_url)
    with Database(server.create("spoilt")) as database:
        migrate(database)
        flow = identity.workflow("spoilt", 10)
        identity.fill(database, flow, 12)
        assert identity.decide(database, flow) > 0
        calm = {**identity.expected(12), "twice": 0, "undecided": 0}
        assert identity.judge(database, flow) == calm
        assert calm["asked"] > 0
        database.execute(
            "insert into job_change overriding system value select 1000, workflow, node, 'x',"
            " person_id, contact_id, former_contact_id, name, email, former_email, company,"
            " former_company, account_id, former_account_id, title, linkedin, moved_at, tier,"
            " evidence from job_change limit 1"
        )
        database.execute("delete from review_candidate")
        database.execute(
            "delete from review_case where case_id in (select min(case_id) from review_case)"
        )
        found = identity.judge(database, flow)
    moves, asked = calm["moves"] + 1, calm["asked"] - 1
    assert found == {**calm, "moves": moves, "asked": asked, "twice": 1, "undecided": 1}
    server.close()
