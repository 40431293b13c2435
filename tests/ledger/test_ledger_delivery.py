"""Delivery against a destination in memory: every fault, judged by the destination's own log."""

import random
from dataclasses import dataclass

import pytest

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectConflict, EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.ledger.worker import Busy, only_one
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)


@dataclass
class Ledger:
    database: object
    clock: FakeClock
    destination: MemoryDestination

    def plan(self, *effects, scope=SCOPE):
        with self.database.transaction() as conn:
            return EffectStore(self.database).insert(
                conn, effects, scope=scope, account=self.destination.account
            )

    def deliver(self, scope=SCOPE, **options):
        settings = DeliveryOptions(chance=random.Random(1), **options)
        return Delivery(self.database, self.clock, self.destination, scope, settings).run()

    def states(self):
        rows = self.database.fetch_all("select effect_key, state from effect order by effect_id")
        return {row["effect_key"]: row["state"] for row in rows}

    def row(self, key):
        return self.database.fetch_one("select * from effect where effect_key = %s", (key,))


@pytest.fixture
def ledger(database):
    return Ledger(database, FakeClock(), MemoryDestination())


def create(name, parent=None, pass_number=1, row=None):
    return PlannedEffect(
        effect_key=f"create:{name}",
        kind="create_item",
        pass_number=pass_number,
        object_key=f"item:{name}",
        creates=True,
        payload={"name": name},
        parent_key=f"item:{parent}" if parent else None,
        delta_id=row,
    )


def change(name, number=1):
    return PlannedEffect(
        effect_key=f"change:{name}:{number}",
        kind="change_item",
        pass_number=1,
        object_key=f"item:{name}",
        creates=False,
        payload={"name": name},
    )


def test_everything_is_sent_once_in_batches(ledger):
    ledger.plan(*(create(f"n{i}") for i in range(25)))
    report = ledger.deliver()
    assert ledger.destination.log == [f"create:n{i}" for i in range(25)]
    assert report.requests == 3
    assert report.outcomes == {"done": 25}
    assert set(ledger.states().values()) == {"DONE"}
    assert ledger.deliver().requests == 0


def test_lost_reply_is_looked_up_after_the_settle_time_and_never_sent_again(ledger):
    ledger.plan(create("a"), create("b"))
    ledger.destination.script = [ledger.destination.lost_reply]
    report = ledger.deliver()
    assert ledger.destination.log == ["create:a", "create:b"]
    assert report.outcomes == {"unknown": 2, "found": 2}
    assert sum(ledger.clock.slept) >= ledger.destination.settle_s
    assert ledger.row("create:a")["remote_id"] == "r1"


def test_an_error_before_applying_is_looked_up_and_sent_again(ledger):
    ledger.plan(create("a"))
    ledger.destination.script = [ledger.destination.error_before]
    report = ledger.deliver()
    assert ledger.destination.log == ["create:a"]
    # Made at last, it is looked up once more: the first try might have come late.
    assert report.outcomes == {"unknown": 1, "absent": 1, "doubtful": 1, "found": 1}


def test_a_limit_costs_no_try_and_is_waited_for(ledger):
    ledger.plan(create("a"))
    ledger.destination.script = [ledger.destination.throttle] * 20
    ledger.deliver(most_tries=3)
    assert ledger.states() == {"create:a": "DONE"}
    assert sum(ledger.clock.slept) >= 140


def test_what_keeps_failing_gives_up_and_the_others_go_on(ledger):
    from syncflow_dagster.core.outcomes import Retry
    from syncflow_dagster.ledger.ports import Reply

    ledger.destination.batch_size = 1
    ledger.destination.script = [lambda es: Reply({es[0].effect_id: Retry("broken")})] * 3 + []
    ledger.plan(create("a"))
    ledger.deliver(most_tries=3)
    assert ledger.states() == {"create:a": "DEAD"}
    assert "gave up after 3 tries: broken" in ledger.row("create:a")["reason"]


def test_one_poison_record_stops_nobody(ledger):
    ledger.plan(*(create(name) for name in ("a", "poison", "b")))
    ledger.deliver()
    assert ledger.destination.log == ["create:a", "create:b"]
    assert ledger.states()["create:poison"] == "DEAD"


def test_a_whole_batch_refused_is_halved_until_the_poison_is_found(ledger):
    ledger.destination.batch_size = 32
    ledger.plan(*(create(f"n{i}") for i in range(31)), create("poison"))
    ledger.destination.script = [ledger.destination.refuse_whole] * 50
    ledger.deliver()
    states = ledger.states()
    assert [key for key, state in states.items() if state == "DEAD"] == ["create:poison"]
    assert len(ledger.destination.log) == 31
    assert ledger.destination.requests <= 1 + 2 * 5
    # That others were with it in a request is nobody's own failure.
    assert {ledger.row(key)["tries"] for key in states} == {1}


def test_a_child_is_never_sent_before_its_parent_exists(ledger):
    ledger.plan(create("child", parent="parent"), create("parent"))
    ledger.deliver()
    assert ledger.destination.log == ["create:parent", "create:child"]


def test_a_child_of_a_dead_parent_waits_with_the_parents_name_and_reason(ledger):
    ledger.plan(create("poison"), create("child", parent="poison"))
    report = ledger.deliver()
    child = ledger.row("create:child")
    assert child["state"] == "WAITING"
    assert "item:poison" in child["reason"]
    assert "DEAD: poison" in child["reason"]
    assert report.waiting == 1


def test_changes_of_one_object_keep_their_order(ledger):
    ledger.destination.batch_size = 5
    ledger.plan(create("a"), change("a", 1), change("a", 2), change("a", 3))
    ledger.destination.script = [lambda _: None, ledger.destination.throttle]
    ledger.deliver()
    assert ledger.destination.log == ["create:a", "change:a:1", "change:a:2", "change:a:3"]


def test_stop_ends_the_delivery_and_costs_nothing(ledger):
    ledger.plan(create("a"), create("b"))
    ledger.destination.script = [ledger.destination.stop]
    report = ledger.deliver()
    assert report.stopped == "token revoked"
    assert ledger.destination.log == []
    assert set(ledger.states().values()) == {"RETRY"}
    assert ledger.deliver().stopped is None
    assert ledger.destination.log == ["create:a", "create:b"]


def test_an_intent_of_a_dead_worker_becomes_unknown_and_is_looked_up(ledger):
    ledger.plan(create("a"), create("b"))
    store = EffectStore(ledger.database)
    claimed = store.claim(SCOPE, 999_999, ledger.clock.now(), 2)
    from uuid import uuid4

    store.commit_intent(claimed, 999_999, uuid4(), ledger.clock.now())
    ledger.destination.apply(claimed[0])  # the worker died after the service applied one of them
    ledger.deliver()
    assert sorted(ledger.destination.log) == ["create:a", "create:b"]
    assert set(ledger.states().values()) == {"DONE"}


def test_a_claim_of_a_dead_worker_goes_back_without_a_question(ledger):
    ledger.plan(create("a"))
    EffectStore(ledger.database).claim(SCOPE, 999_999, ledger.clock.now(), 2)
    report = ledger.deliver()
    assert report.lookups == 0
    assert ledger.destination.log == ["create:a"]


def test_a_live_workers_lease_is_respected(ledger):
    from syncflow_dagster.ledger.worker import worker

    ledger.plan(create("a"), create("b"))
    with worker(ledger.database) as other:
        store = EffectStore(ledger.database)
        taken = store.claim(SCOPE, other.number, ledger.clock.now(), 1)
        ledger.deliver()
        assert [effect.effect_key for effect in taken] == ["create:a"]
        assert ledger.destination.log == ["create:b"]


def test_a_blind_destination_leaves_the_question_open_and_gives_up_after_its_patience(ledger):
    ledger.plan(create("a"))
    ledger.destination.script = [ledger.destination.lost_reply]
    ledger.destination.blind = True
    ledger.deliver(patience_s=60)
    assert ledger.states() == {"create:a": "UNKNOWN"}
    ledger.destination.blind = False
    ledger.clock.sleep(120)
    ledger.deliver()
    assert ledger.destination.log == ["create:a"]
    assert ledger.states() == {"create:a": "DONE"}


def test_budget_is_waited_for_and_never_exceeded(ledger):
    ledger.destination.allowed = 10
    ledger.plan(*(create(f"n{i}") for i in range(30)))
    started = ledger.clock.now()
    report = ledger.deliver()
    assert len(ledger.destination.log) == 30
    assert (ledger.clock.now() - started).total_seconds() == pytest.approx(120, abs=2)
    assert report.waited_s == pytest.approx(120, abs=2)


def test_a_delivery_ends_between_requests_when_its_time_is_up_and_the_next_goes_on(ledger):
    ledger.destination.allowed = 10
    ledger.plan(*(create(f"n{i}") for i in range(30)))
    first = ledger.deliver(longest_s=50)
    assert first.remaining == 10
    assert set(ledger.states().values()) == {"DONE", "PLANNED"}
    assert ledger.deliver().remaining == 0
    assert len(ledger.destination.log) == len(set(ledger.destination.log)) == 30


def test_planning_twice_adds_nothing_and_a_second_live_create_is_refused(ledger):
    assert ledger.plan(create("a")) == {"create:a"}
    assert ledger.plan(create("a")) == set()
    twin = PlannedEffect(
        "create:a:again", "create_item", 1, "item:a", True, {"name": "a"}, delta_id=5
    )
    with pytest.raises(EffectConflict, match="item:a"):
        ledger.plan(twin)


def test_the_database_refuses_a_transition_that_is_not_in_the_table(ledger):
    import psycopg

    ledger.plan(create("a"))
    ledger.deliver()
    with pytest.raises(psycopg.errors.CheckViolation, match="from DONE to PLANNED"):
        ledger.database.execute("update effect set state = 'PLANNED'")


def test_the_table_of_transitions_in_the_database_is_the_one_in_core(database):
    from syncflow_dagster.core.states import transition_rows

    rows = database.fetch_all("select machine, old_state, new_state from state_transition")
    assert {tuple(row.values()) for row in rows} == set(transition_rows())


def test_every_send_and_look_up_is_logged(ledger):
    ledger.plan(create("a"))
    ledger.destination.script = [ledger.destination.lost_reply]
    ledger.deliver()
    rows = ledger.database.fetch_all("select action, outcome from attempt order by attempt_id")
    assert [tuple(row.values()) for row in rows] == [("send", "unknown"), ("lookup", "found")]


def test_only_one_process_pushes_at_a_time(database):
    with only_one(database, "push orders"):
        with pytest.raises(Busy, match="push orders"), only_one(database, "push orders"):
            pass
        with only_one(database, "push other"):
            pass
    with only_one(database, "push orders"):
        pass


def test_a_late_outcome_does_not_overwrite_another_requests_word(ledger):
    from uuid import uuid4

    from syncflow_dagster.ledger.verdicts import Verdict

    ledger.plan(create("a"))
    ledger.deliver()
    store = EffectStore(ledger.database)
    effect = ledger.row("create:a")
    with ledger.database.transaction() as conn:
        late = Verdict(effect["effect_id"], EffectState.DEAD, "rejected", "late")
        store.settle(conn, [late], {effect["effect_id"]: uuid4()}, ledger.clock.now())
    assert ledger.states() == {"create:a": "DONE"}


def test_many_unknowns_are_looked_up_together(ledger):
    ledger.destination.batch_size = 5
    ledger.plan(*(create(f"n{i}") for i in range(50)))
    ledger.destination.script = [ledger.destination.lost_reply] * 10
    report = ledger.deliver()
    assert report.lookups == 1
    assert len(ledger.destination.log) == len(set(ledger.destination.log)) == 50
    assert set(ledger.states().values()) == {"DONE"}
