"""One child: restarted with growing waits, ended with all it started, never outliving us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from syncflow_dagster.supervisor import exec_child
from syncflow_dagster.supervisor.processes import Child, Service

pytestmark = pytest.mark.process


@pytest.fixture
def seconds():
    return [100.0]


@pytest.fixture
def make(seconds):
    children = []

    def build(code: str, **options) -> Child:
        argv = [sys.executable, "-I", "-S", "-c", code]
        child = Child(Service("child", argv, **options), dict(os.environ), lambda: seconds[0])
        children.append(child)
        return child

    yield build
    for child in children:
        child.end_group()
        child.stop()


def _until(condition, limit=10.0):
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_child_that_exits_is_started_again_after_growing_waits(make, seconds, tmp_path):
    lives = tmp_path / "lives"
    child = make(f"open({str(lives)!r}, 'a').write('x')")
    child.start()
    waits = []
    for _ in range(6):
        _until(lambda: not child.runs())
        child.keep_up()
        exited = seconds[0]
        count = lives.stat().st_size
        while lives.stat().st_size == count and not child.runs():
            seconds[0] += 0.5
            child.keep_up()
            if seconds[0] - exited > 40:
                pytest.fail("it was not started again")
        _until(lambda: lives.stat().st_size > count)  # noqa: B023
        waits.append(seconds[0] - exited)
    assert waits == [1, 2, 4, 8, 16, 30]


def test_steady_child_is_started_again_soon(make, seconds):
    child = make("import time; time.sleep(60)")
    child.start()
    for _ in range(3):
        seconds[0] += 61
        os.kill(child.pid, signal.SIGKILL)
        _until(lambda: not child.runs())
        child.keep_up()
        seconds[0] += 1
        child.keep_up()
        assert child.runs()


def test_file_of_a_former_life_is_removed_before_the_start(make, tmp_path):
    socket = tmp_path / "socket"
    socket.touch()
    child = make("pass", remove_first=socket)
    child.start()
    assert not socket.exists()


def test_child_hears_signals_though_we_ignore_them(make):
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = make("import time; time.sleep(60)")
        child.start()
        # Its own program by now, no longer the one that becomes it.
        _until(lambda: exec_child.__file__ not in psutil.Process(child.pid).cmdline())
        os.kill(child.pid, signal.SIGINT)
        _until(lambda: not child.runs())
    finally:
        signal.signal(signal.SIGINT, former)


def test_stop_ends_what_the_child_started(make, tmp_path):
    note = tmp_path / "pid"
    child = make(
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(p.pid) + '.')\n"
        "time.sleep(60)"
    )
    child.start()
    _until(lambda: note.exists() and note.read_text().endswith("."))
    grandchild = psutil.Process(int(note.read_text()[:-1]))
    child.stop()
    assert not child.runs()
    _until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_child_above_its_memory_limit_is_started_again(make):
    child = make("import time; time.sleep(60)", rss_limit=1)
    child.start()
    before = child.pid
    child.keep_up()
    assert child.runs()
    assert child.pid != before


def test_child_below_its_memory_limit_is_left_alone(make):
    child = make("import time; time.sleep(60)", rss_limit=1 << 34)
    child.start()
    before = child.pid
    child.keep_up()
    assert child.pid == before


_SLEEP = "import time; time.sleep(9)"
_BETWEEN = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
_PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, sys.argv[1], str(os.getpid()), *sys.argv[2:]])
print(child.pid, flush=True)
time.sleep(60)
"""


def _killed_parent_takes_its_child_along(program: str) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _PARENT,
            program,
            sys.executable,
            "-c",
            "import time; time.sleep(9)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        _until(lambda: _runs_the_sleep(child))
        family = [child, *child.children()]
        parent.kill()
    for process in family:
        _until(lambda: not process.is_running() or process.status() == "zombie")  # noqa: B023


def _runs_the_sleep(process: psutil.Process) -> bool:
    commands = [each.cmdline() for each in (process, *process.children())]
    return any(command[1:] == ["-c", _SLEEP] for command in commands)


def test_killed_parent_takes_its_child_along():
    _killed_parent_takes_its_child_along(exec_child.__file__)


def test_killed_parent_takes_its_child_along_where_the_kernel_does_not_help(tmp_path):
    program = tmp_path / "attend.py"
    program.write_text(
        "import sys\n"
        "from syncflow_dagster.supervisor.exec_child import attend\n"
        "sys.exit(attend(int(sys.argv[1]), sys.argv[2:]))\n"
    )
    _killed_parent_takes_its_child_along(str(program))


def test_child_whose_parent_is_already_gone_does_not_begin():
    not_our_parent = os.getpid()
    done = subprocess.run(
        [
            *[
                sys.executable,
                "-c",
                "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))",
            ],
            *[sys.executable, exec_child.__file__, str(not_our_parent), "echo", "begun"],
        ],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")


def test_attended_child_passes_its_exit_code_on():
    assert exec_child.attend(os.getppid(), [sys.executable, "-c", "raise SystemExit(7)"]) == 7
