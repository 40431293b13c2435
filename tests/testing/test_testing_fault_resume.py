"""A matrix that was cut off goes on with what is missing or failed."""

import json

from syncflow_dagster.testing.faults import run
from syncflow_dagster.testing.faults.results import FaultResult


def test_only_what_passed_before_is_taken_over(tmp_path, monkeypatch):
    ran = []

    def part(wanted):
        for name in filter(wanted, ("first", "second", "third")):
            ran.append(name)
            yield FaultResult(name, "F1", lost=int(name == "second"))

    parts = [run.Part(["first", "second", "third"], part)]
    monkeypatch.setattr(run, "parts", lambda: parts)
    target = tmp_path / "fault.json"
    assert not run.run_faults(target, only=["first", "second"], say=str).passed
    target.write_text(json.dumps([*json.loads(target.read_text()), {"fault": "of old"}]))
    ran.clear()
    run.run_faults(target, only=["second"], resume=True, say=str)
    run.run_faults(target, only=["second", "third"], resume=True, say=str)
    assert ran == ["second", "second", "third"]
    assert [row["fault"] for row in json.loads(target.read_text())] == ["first", "second", "third"]
