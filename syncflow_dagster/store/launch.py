"""Beginning a data folder and starting the guardian of its server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import syncflow_dagster
from syncflow_dagster.store.guardian import Plan
from syncflow_dagster.store.location import Location, own_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 5432  # no TCP: only a part of the socket's name, stated so that PGPORT has no say

_LARGEST_LOG = 16 * 1024 * 1024  # bytes
_LOG_TAIL = 20  # lines
_LEAST_SHARED_MB = 128
#: More is left to the system's own cache, and to the others on a developer's machine.
_MOST_SHARED_MB = 1024
#: What a container may use, of the kernel's second version of control groups.
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


class LaunchError(RuntimeError):
    """The data folder cannot be begun; the text holds ``initdb``'s own words."""


def users_lock(location: Location) -> Path:
    """The file every user of the server locks shared."""
    return location.folder / "users.lock"


def guardian_lock(location: Location) -> Path:
    """The file the server's one guardian locks."""
    return location.folder / "guardian.lock"


def create_data(location: Location) -> None:
    """Begin an empty data folder, whole or not at all.

    ``initdb`` writes beside the data folder's place and is moved there when it is done: one that
    is cut short leaves nothing that looks like a database.

    Raises:
        LaunchError: ``initdb`` failed.
    """
    draft = location.folder / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    own_folder(draft, location.account)
    account = location.account
    done = subprocess.run(
        [
            str(location.programs / "initdb"),
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            # The same order of text on every machine, and no dependence on its libraries.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd="/",
        env=_environment(),
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )
    if done.returncode != 0:
        msg = f"initdb could not begin a database in {draft}:\n{done.stdout}{done.stderr}"
        raise LaunchError(msg)
    draft.rename(location.data)


def start_guardian(location: Location, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the guardian in a session of its own, so that no Ctrl-C or hang-up reaches it.

    Args:
        location: The server's files.
        settings: Server settings beside the ones needed here.
    """
    account = location.account
    plan = Plan(
        command=_server_command(location, settings),
        data=str(location.data),
        socket=str(location.socket),
        log=str(location.log),
        users_lock=str(users_lock(location)),
        guardian_lock=str(guardian_lock(location)),
        uid=None if account is None else account.uid,
        gid=None if account is None else account.gid,
    )
    if location.log.exists() and location.log.stat().st_size > _LARGEST_LOG:
        location.log.replace(location.log.with_suffix(".log.1"))
    with location.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "syncflow_dagster.store.guardian", plan.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )


def end_of_log(location: Location) -> str:
    """Return the last lines of the server's log."""
    try:
        lines = location.log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(lines[-_LOG_TAIL:])


def _server_command(location: Location, settings: Mapping[str, str]) -> tuple[str, ...]:
    every = {
        "unix_socket_directories": str(location.socket),
        "listen_addresses": "",
        "port": str(PORT),
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Deltas write in bulk: with the usual 1 GB of log, checkpoints chase each other, and each
        # makes whole pages of what changes next go to the log again.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "shared_buffers": f"{shared_mb(_memory())}MB",
        "wal_buffers": "64MB",
        **settings,
    }
    options = [part for name, value in every.items() for part in ("-c", f"{name}={value}")]
    return (str(location.programs / "postgres"), "-D", str(location.data), *options)


def shared_mb(memory: int) -> int:
    """Return the megabytes for pages held in memory: a quarter of it, as PostgreSQL advises.

    https://www.postgresql.org/docs/current/runtime-config-resource.html
    """
    return min(max(memory // 4 // 2**20, _LEAST_SHARED_MB), _MOST_SHARED_MB)


def _memory() -> int:
    """Return the bytes of memory that this process and its children may use."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = _CONTAINER_LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and their like would change what the server does.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    kept.pop("SYNCFLOW_CRASH_AT", None)
    root = str(Path(syncflow_dagster.__file__).parent.parent)
    paths = [root, *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}
