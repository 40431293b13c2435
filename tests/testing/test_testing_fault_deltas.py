"""Deltas killed on their own, and long tests, as rows of the fault matrix."""

from pathlib import Path

import pytest

from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.bench.databases import Databases
from syncflow_dagster.testing.crash import DELTA_POINTS
from syncflow_dagster.testing.faults import deltas, proofs
from syncflow_dagster.testing.faults.results import FaultResult

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(postgres_url):
    made = Databases(postgres_url)
    yield made
    made.close()


def test_a_delta_alone_is_killed_at_each_of_its_points():
    points = [point.partition(":")[0] for point in deltas.delta_cases().values()]
    assert points == list(DELTA_POINTS)


def test_what_is_as_undisturbed_passes_and_a_difference_is_seen(server, tmp_path):
    world = deltas._World.begin(server, tmp_path, 600)
    url, log, home = server.create("case", world.known), tmp_path / "l", tmp_path / "h"
    deltas._build(url, world.files.raw["read"], log, home)
    calm = FaultResult("calm")
    world._judge(calm, url, log, home)
    assert calm == FaultResult("calm")
    (home / "left").mkdir()
    with Database(url) as database:
        database.execute("delete from bench_delta_snapshot where business_key like '%17'")
        database.execute("update bench_delta set operation = 'DELETE' where delta_id = 3")
        database.execute("insert into batch (workflow, node, started_at) values ('w', 'n', now())")
    result = FaultResult("spoilt")
    world._judge(result, url, log, home)
    gone = result.lost - 1
    assert gone > 1
    assert (result.duplicates, result.unknown, result.second_run_writes) == (1, 1, gone)
    assert result.error == "the build left files behind in h"
    assert not result.passed


def test_proofs_name_tests_that_are_there(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert all(Path(path).exists() for path in proofs._TESTS[:2])
    names = [path.name for path in Path("tests/core").iterdir()]
    reference = Path("tests/delta/test_delta_reference.py").read_text()
    words = {word for proof in proofs.PROOFS.values() for word in proof.names.split()}
    for word in words - {"and", "not", "property", "reference_of"}:
        assert any("property" in name and word in name for name in names)
    assert "def test_reference_of" in reference
    assert "def test_property" in reference
    monkeypatch.chdir(tmp_path)
    results = list(proofs.proofs(lambda name: "100,000" in name))
    assert [result.error for result in results] == [
        "tests/core is not here: run it in a checkout of the project"
    ]
