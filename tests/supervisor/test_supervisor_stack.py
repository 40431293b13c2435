"""The whole stack, as a process: it answers, stops when told, and dies with its supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.process

_DEFINITIONS = """
import dagster as dg

@dg.op
def nothing():
    pass

@dg.job(executor_def=dg.in_process_executor)
def trivial():
    nothing()

defs = dg.Definitions(jobs=[trivial])
"""

_START = """
import sys
from pathlib import Path
from syncflow_dagster import supervisor

folder = Path(sys.argv[1])
beside = supervisor.Service(
    name="beside", argv=[sys.executable, "-c", "import time; time.sleep(600)", str(folder)]
)
sys.exit(supervisor.run(
    port=0,
    home=folder / "home",
    extra_environment={"GIVEN": "yes"},
    workspace=folder / "workspace.yaml",
    ready=lambda url: print("ready", url, flush=True),
    extra_services=[beside],
))
"""


@pytest.fixture
def folder(short_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = Path(tempfile.mkdtemp(prefix="s", dir=short_folder))
    folder.chmod(0o711)
    (folder / "trivial_definitions.py").write_text(_DEFINITIONS)
    (folder / "start.py").write_text(_START)
    (folder / "workspace.yaml").write_text("load_from: [{python_module: trivial_definitions}]\n")
    yield folder
    for process in _matching(folder):  # what a failed test left
        process.kill()


class _Supervisor:
    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(suffix=".log")
        self.output = Path(name)
        with os.fdopen(descriptor, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "start.py"), str(folder)],
                stdout=output,
                stderr=output,
                # As under nohup: ignored signals must not make the children deaf.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )

    def url(self) -> str:
        _until(lambda: "ready http" in self.output.read_text() or self._ended(), seconds=90)
        text = self.output.read_text()
        assert "ready http" in text, text
        return text.split("ready ", 1)[1].split()[0]

    def _ended(self) -> bool:
        return self.process.poll() is not None


def _matching(folder: Path) -> list[psutil.Process]:
    """Find a stack's processes by their command line or, for Dagster's children, variables."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            home = process.environ().get("DAGSTER_HOME", "")
            if str(folder) in home or any(str(folder) in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _locations(url: str) -> list[dict[str, str]]:
    query = "{workspaceOrError{... on Workspace{locationEntries{name loadStatus}}}}"
    request = urllib.request.Request(
        f"{url}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]["workspaceOrError"]["locationEntries"]


def _child(folder: Path, words: str) -> psutil.Process | None:
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if words in command and str(folder) in command:
            return process
    return None


def test_stack_answers_mends_itself_stops_in_order_and_dies_with_its_supervisor(folder):
    first = _Supervisor(folder)
    url = first.url()
    assert _locations(url) == [{"name": "trivial_definitions", "loadStatus": "LOADED"}]
    beside = _child(folder, "time.sleep(600)")
    assert beside.environ()["GIVEN"] == "yes"
    assert "+psycopg2://" in beside.environ()["DAGSTER_PG_URL"]

    second = _Supervisor(folder)
    assert second.process.wait(timeout=60) == 1
    assert "already runs SyncFlow" in second.output.read_text()

    daemon = _child(folder, "supervisor.daemon")
    daemon.kill()
    _until(lambda: _child(folder, "supervisor.daemon") not in (None, daemon), seconds=20)

    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(timeout=60) == 0
    assert _matching(folder) == []

    third = _Supervisor(folder)
    third.url()
    third.process.kill()
    third.process.wait()
    _until(lambda: _matching(folder) == [], seconds=40)
