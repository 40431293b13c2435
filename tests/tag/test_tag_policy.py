"""Nothing is sent that was approved under another policy than that of now."""

from __future__ import annotations

import json

from tag_cases import STATUS, policy
from test_tag_send import times_written

from syncflow_dagster.nodes.tag.writes import Writer


def test_what_was_applied_under_another_policy_is_not_sent(make_world):
    world = make_world([STATUS])
    world.add_people(0)
    world.run().plan()
    changed = policy(auto_up_to=1_000, max_changes=2_000)
    (world.folder / "policy.yaml").write_text(json.dumps(changed.model_dump(mode="json")))
    world.go(run_id="run-2")
    assert world.log() == []
    assert "policy has changed" in world.dead()[world.people[0]]


def test_a_policy_that_changes_while_effects_are_sent_holds_for_the_rest(make_world, monkeypatch):
    world = make_world([STATUS], batch_size=1)
    world.add_people(0, 1, 2)
    changed = policy(auto_up_to=1_000, max_changes=2_000)
    texts = [json.dumps(changed.model_dump(mode="json"))]
    write = Writer.write

    def change_then_write(self, *given):
        (world.folder / "policy.yaml").write_text(texts[0])
        return write(self, *given)

    monkeypatch.setattr(Writer, "write", change_then_write)
    world.go()
    assert sum(times_written(world).values()) == 1
    assert [one["state"] for one in world.effects()] == ["DONE", "DEAD", "DEAD"]
    assert all("policy has changed" in reason for reason in world.dead().values())

    texts[0] = "no policy"
    world.clock.sleep(300)
    world.add_people(3, 4)
    _, report = world.go(run_id="run-2")
    assert sum(times_written(world).values()) == 2
    assert "policy.yaml" in report.stopped
    assert [one["state"] for one in world.effects()][3:] == ["DONE", "RETRY"]
