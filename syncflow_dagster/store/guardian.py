"""The small process that keeps one embedded PostgreSQL server running while somebody uses it.

``python -m syncflow_dagster.store.guardian '<plan as JSON>'``; only
:mod:`syncflow_dagster.store.embedded` starts it.

Every process that uses the server holds a shared lock on one file. The kernel drops such a lock
when its holder dies, however it dies, so the guardian needs no list of users, no pid file and no
heart-beat: while it cannot have the lock for itself there are users, and the server is kept up;
once it can, the server is shut down and the guardian ends. Should the guardian itself be killed,
the kernel asks the server to shut down (Linux).
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO

import psutil

_POLL = 0.1  # seconds
_STOP_WITHIN = 30.0  # seconds for a fast shutdown, before an immediate one
_LOCK_WITHIN = 2.0  # somebody may only be looking whether the lock is free
_FAILED_FIRST_STARTS = 3  # then it is the settings or the files, and repeating shows nothing new
_FAILED_RESTARTS = 6  # of a server that worked: about 12 s in all
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Plan:
    """What to run, and what to watch.

    Attributes:
        command: ``postgres`` with its arguments.
        data: The data folder.
        socket: The folder of its socket, used by nobody else.
        log: Where the server's output goes.
        users_lock: Held shared by every user of the server.
        guardian_lock: Held exclusively by the one guardian of this data folder.
        uid: Whom to run as, or None for ourselves.
        gid: The group to run as, with uid.
    """

    command: tuple[str, ...]
    data: str
    socket: str
    log: str
    users_lock: str
    guardian_lock: str
    uid: int | None
    gid: int | None

    def to_json(self) -> str:
        """Write the plan as the guardian's argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what :meth:`to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "command": tuple(fields["command"])})


def postmaster(data: Path) -> psutil.Process | None:
    """Find the live server of a data folder.

    ``postmaster.pid`` alone proves nothing: after a crash or a container's restart its number may
    belong to anybody. Only a live process named ``postgres`` with our folder in its command line
    is the server.
    """
    pid = _pid_in_file(data)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        ours = (
            process.name() == "postgres"
            and str(data) in process.cmdline()
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return None
    return process if ours else None


def take_lock(path: str) -> IO[bytes] | None:
    """Take a file's lock for ourselves, at once or not at all."""
    file = Path(path).open("ab")  # noqa: SIM115 - the lock lasts as long as the file is open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _pid_in_file(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _reports_ready(data: Path) -> bool:
    # The eighth line of the file is the server's status.
    try:
        return (data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _remove_misleading_pid_files(data: Path, socket: Path) -> None:
    """Remove stale pid files, where no server of ours lives.

    PostgreSQL sees through a number that belongs to nobody, but not through one that another
    process has by now, or a dead one that its parent has not collected. In the data folder only
    such a file is removed: PostgreSQL uses the rest of it to look for server processes that
    outlived their parent.
    """
    for lock in socket.glob(".s.PGSQL.*.lock"):
        lock.unlink(missing_ok=True)
    pid = _pid_in_file(data)
    if pid is not None and psutil.pid_exists(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _end_orphans(data: Path) -> None:
    """End server processes that outlived a killed parent; a new server refuses to start besides.

    They are known by their name and by their working folder, which is the data folder.
    """
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(data):
                process.send_signal(signal.SIGQUIT)
        except psutil.Error:
            continue


def end_server(data: Path) -> bool:
    """Shut down a server that has no guardian: fast, or at once when that takes too long.

    Returns:
        Whether it is gone.
    """
    begun = time.monotonic()
    while (process := postmaster(data)) is not None:
        waited = time.monotonic() - begun
        if waited > 2 * _STOP_WITHIN:
            return False
        _signal(process, signal.SIGQUIT if waited > _STOP_WITHIN else signal.SIGINT)
        time.sleep(_POLL)
    return True


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


class Guardian:
    """Keeps the server of a plan up until nobody uses it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._data = Path(plan.data)
        self._child: subprocess.Popen[bytes] | None = None
        self._was_ready = False
        self._has_worked = False
        self._failed_starts = 0
        self._stopping = False

    def run(self) -> int:
        """Guard until the last user is gone.

        Returns:
            0 after a clean end, 1 when the server does not stay up, 2 when there is already a
            guardian.
        """
        deadline = time.monotonic() + _LOCK_WITHIN
        while (mine := take_lock(self._plan.guardian_lock)) is None:
            if time.monotonic() > deadline:
                return 2
            time.sleep(_POLL)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        with mine:
            while True:
                # Held to our end: a new user waits until the server is down, then starts anew.
                alone = take_lock(self._plan.users_lock)
                if alone is not None or self._stopping:
                    self._stop()
                    return 0
                if not self._keep_up():
                    return 1
                time.sleep(_POLL)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _keep_up(self) -> bool:
        if self._child_lives():
            self._was_ready = self._was_ready or _reports_ready(self._data)
            self._has_worked = self._has_worked or self._was_ready
            return True
        if postmaster(self._data) is not None:
            return True  # somebody restarted it by hand, with pg_ctl: watch that one
        if self._child is not None:
            _end_orphans(self._data)
            self._failed_starts = 0 if self._was_ready else self._failed_starts + 1
            allowed = _FAILED_RESTARTS if self._has_worked else _FAILED_FIRST_STARTS
            if self._failed_starts >= allowed:
                return False
            time.sleep(_POLL * 2**self._failed_starts)
        self._start()
        return True

    def _start(self) -> None:
        plan = self._plan
        _remove_misleading_pid_files(self._data, Path(plan.socket))
        with Path(plan.log).open("ab") as log:
            self._child = subprocess.Popen(
                plan.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                process_group=0,
                user=plan.uid,
                group=plan.gid,
                extra_groups=[] if plan.uid is not None else None,
                preexec_fn=partial(_die_with_parent, os.getpid()),  # noqa: PLW1509 - this process has one thread
            )
        self._was_ready = False

    def _stop(self) -> None:
        while self._child is not None and self._child.poll() is None:
            if postmaster(self._data) is None:  # so young that it has written no pid file yet
                self._child.send_signal(signal.SIGINT)
                time.sleep(_POLL)
            else:
                end_server(self._data)
        end_server(self._data)  # somebody's restart by hand

    def _child_lives(self) -> bool:
        return self._child is not None and self._child.poll() is None


def _die_with_parent(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # the guardian died before the kernel was told
            os._exit(1)


def main(arguments: list[str]) -> int:
    """Run the guardian of the plan in the first argument."""
    return Guardian(Plan.from_json(arguments[0])).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
