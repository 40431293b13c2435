"""Every crash point is listed, every one listed is passed, every step boundary has one."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import syncflow_dagster
from syncflow_dagster.nodes.delta import build
from syncflow_dagster.testing import crash
from syncflow_dagster.testing.faults.adoption import adoption_cases
from syncflow_dagster.testing.faults.cases import cases
from syncflow_dagster.testing.faults.due import due_cases
from syncflow_dagster.testing.faults.identity import identity_cases
from syncflow_dagster.testing.faults.jobs_cases import jobs_cases
from syncflow_dagster.testing.faults.outreach import outreach_cases
from syncflow_dagster.testing.faults.retention import retention_cases
from syncflow_dagster.testing.faults.salesforce_pull import pull_cases
from syncflow_dagster.testing.faults.triggers import trigger_cases

PACKAGE = Path(syncflow_dagster.__file__).parent


def points_in_source():
    """Names given to `crash_point` in the code; an f-string stands for each delta stage."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "crash_point(" in text else ():
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crash_point"):
                continue
            (argument,) = node.args
            if isinstance(argument, ast.Constant):
                found.add(argument.value)
            else:
                assert isinstance(argument, ast.JoinedStr), f"{path}:{node.lineno}"
                assert argument.values[0].value == "delta."
                found |= {f"delta.{stage}" for stage in crash.DELTA_STAGES}
    return found


def test_the_list_and_the_code_name_the_same_points():
    assert points_in_source() == set(crash.POINTS)


def test_the_fault_matrix_kills_at_every_point():
    others = [
        *retention_cases().values(),
        *due_cases().values(),
        *trigger_cases().values(),
        *adoption_cases().values(),
        *identity_cases().values(),
    ]
    pulls = pull_cases().values()
    points = [*(case.crash_at for case in [*cases(), *jobs_cases(), *pulls]), *others]
    simulated = {point for case in outreach_cases().values() for point in case.crash_points}
    killed = {point.split(":")[0] for point in points if point} | simulated
    assert killed == set(crash.POINTS)


def test_every_stage_of_the_delta_build_is_a_boundary_with_a_point():
    assert {f"delta.{stage}" for stage in crash.DELTA_STAGES} <= set(crash.POINTS)
    assert build.__name__


def run(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


PASS_THREE_TIMES = """
from syncflow_dagster.testing.crash import crash_point
for n in range(3):
    print("passage", n + 1, flush=True)
    crash_point("deliver.sent")
"""


@pytest.mark.parametrize(("setting", "passages"), [("deliver.sent", 1), ("deliver.sent:3", 3)])
def test_a_point_kills_at_the_passage_that_is_asked_for(setting, passages):
    done = run(PASS_THREE_TIMES, SYNCFLOW_CRASH_AT=setting)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.count("passage") == passages


def test_another_point_and_an_unset_variable_kill_nobody():
    assert run(PASS_THREE_TIMES, SYNCFLOW_CRASH_AT="deliver.claimed").returncode == 0
    assert run(PASS_THREE_TIMES).returncode == 0


def test_a_misspelt_point_is_told_instead_of_never_killing(monkeypatch):
    monkeypatch.setenv("SYNCFLOW_CRASH_AT", "deliver.send")
    with pytest.raises(crash.UnknownCrashPoint, match=r"deliver\.send.*deliver\.sent"):
        crash.crash_point("deliver.sent")
