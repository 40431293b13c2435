"""A valid workflow as text that can be spoiled."""

import shutil
from pathlib import Path

import pytest

from syncflow_dagster.workflows.loader import BrokenFile, load_file

EXAMPLES = Path(__file__).parents[2] / "workflows"
ENVIRON = {"ORDERS_DATABASE_URL": "postgresql://me:hunter2@db/orders", "MONDAY_TOKEN": "tok-12345"}


@pytest.fixture(scope="session")
def example_text():
    return (Path(__file__).parent / "valid.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the example's templates in `workflows`."""
    target = tmp_path / "workflows"
    shutil.copytree(EXAMPLES, target, ignore=shutil.ignore_patterns("data", "sandbox", "*.yaml"))
    monkeypatch.chdir(tmp_path)
    return target


@pytest.fixture
def load(folder):
    """Load a text as `workflows/x.yaml`."""

    def load(text, environ=ENVIRON):
        path = folder / "x.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_file(path, environ)

    return load


@pytest.fixture
def problems(load):
    """The mistakes of a text, as lines."""

    def problems(text, environ=ENVIRON):
        result = load(text, environ)
        return [str(one) for one in result.problems] if isinstance(result, BrokenFile) else []

    return problems
