"""Starting everything in order, keeping it up, stopping it in order."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from syncflow_dagster.store.embedded import EmbeddedPostgres, open_store
from syncflow_dagster.store.location import create_home, socket_folder
from syncflow_dagster.supervisor.housekeeping import Housekeeper
from syncflow_dagster.supervisor.instance import open_instance, prepare_dagster_home
from syncflow_dagster.supervisor.processes import Child, Service
from syncflow_dagster.supervisor.workspace import Workspace, read_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

_LOG = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_TICK = 0.5  # seconds
_WORKSPACE = "dagster/workspace.yaml"  # in the home folder
_DAEMON_RSS_LIMIT = 1536 * 1024 * 1024  # https://github.com/dagster-io/dagster/issues/32070


class SupervisorError(RuntimeError):
    """The stack cannot be started; the text says why and what to do."""


def run(
    *,
    port: int = 3000,
    home: Path,
    extra_environment: Mapping[str, str],
    workspace: Path,
    ready: Callable[[str], None] | None = None,
    extra_services: Sequence[Service] = (),
) -> int:
    """Run PostgreSQL and Dagster until SIGTERM or SIGINT, then stop them in order.

    Has to be called from the main thread. All processes end with this one, also when it is
    killed.

    Args:
        port: Of Dagster's UI on the loopback interface; 0 takes a free one.
        home: SyncFlow's home folder.
        extra_environment: Variables for all children, beside this process's own.
        workspace: Dagster's workspace file.
        ready: Called once with the UI's URL when it answers.
        extra_services: Processes to start after PostgreSQL and before Dagster, in this order.

    Returns:
        0 after a stop that was asked for.

    Raises:
        SupervisorError: The port is taken, another supervisor has this home, or a child does not
            become ready.
        syncflow_dagster.supervisor.workspace.WorkspaceError: The workspace file is not understood.
        syncflow_dagster.store.embedded.StoreError: ``SYNCFLOW_DATABASE_URL`` cannot be used.
    """
    home = home.absolute()
    create_home(home)
    port = _free_port(port)
    stop = _StopRequest()
    with ExitStack() as stack:
        stack.enter_context(stop.listen())
        stack.enter_context(_only_supervisor(home))
        server, environment = stack.enter_context(_postgres(home))
        environment = {**environment, **extra_environment}
        sockets = socket_folder(home / "dagster" / "sockets")
        plan = _planned(workspace, home, sockets)
        crew = stack.enter_context(_Crew(_child_environment(environment), stop))
        crew.start(extra_services)
        keeper = stack.enter_context(_housekeeping(environment, server, sockets, stop))
        crew.start(_dagster_services(plan, home, port))
        if ready is not None and not stop.requested():
            ready(f"http://{_HOST}:{port}")
        _watch(crew, keeper, stop)
    return 0


def _planned(workspace: Path, home: Path, sockets: Path) -> Workspace:
    """Read the workspace file, and write the one that Dagster's services go by."""
    plan = read_workspace(workspace, sockets)
    plan.write(home / _WORKSPACE)
    return plan


@contextmanager
def _housekeeping(
    environment: dict[str, str],
    server: EmbeddedPostgres | None,
    sockets: Path,
    stop: _StopRequest,
) -> Iterator[Housekeeper]:
    """Give a housekeeper that has done what comes before Dagster's services."""
    instance = open_instance(environment)
    with Housekeeper(instance, server, str(sockets), stop.requested) as keeper:
        keeper.begin()
        yield keeper


def _watch(crew: _Crew, keeper: Housekeeper, stop: _StopRequest) -> None:
    while not stop.requested():
        crew.keep_up()
        keeper.tick()
        time.sleep(_TICK)


class _StopRequest:
    """Remembers that a signal asked for the stop; the handler does nothing else."""

    def __init__(self) -> None:
        self._requested = False

    def requested(self) -> bool:
        return self._requested

    @contextmanager
    def listen(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        former = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True


class _Crew:
    """The children, in order of their start; leaving stops them in the reverse order."""

    def __init__(self, environment: Mapping[str, str], stop: _StopRequest) -> None:
        self._environment = environment
        self._stop = stop
        self._children: list[Child] = []

    def start(self, services: Sequence[Service]) -> None:
        """Start services one after the other, each when the one before is ready."""
        for service in services:
            if self._stop.requested():
                return
            child = Child(service, self._environment)
            self._children.append(child)
            child.start()
            self._await(service)

    def keep_up(self) -> None:
        for child in self._children:
            child.keep_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.stop()

    def _await(self, service: Service) -> None:
        deadline = time.monotonic() + service.ready_within
        while service.ready is not None and not service.ready() and not self._stop.requested():
            self.keep_up()
            if time.monotonic() > deadline:
                msg = (
                    f"{service.name} was not ready within {service.ready_within:g} s; "
                    "its own messages above say why"
                )
                raise SupervisorError(msg)
            time.sleep(_TICK / 5)


def _dagster_services(plan: Workspace, home: Path, port: int) -> list[Service]:
    workspace = str(home / _WORKSPACE)
    python = sys.executable
    return [
        *plan.servers,
        Service(
            name="daemon",
            argv=[
                *[python, "-m", "syncflow_dagster.supervisor.daemon", "run", "-w", workspace],
                *["--log-level", "warning"],
            ],
            rss_limit=_DAEMON_RSS_LIMIT,
        ),
        Service(
            name="webserver",
            argv=[
                *[python, "-m", "dagster_webserver", "-w", workspace],
                *["-h", _HOST, "-p", str(port), "--dagster-log-level", "warning"],
            ],
            ready=lambda: _answers(port),
        ),
    ]


@contextmanager
def _postgres(home: Path) -> Iterator[tuple[EmbeddedPostgres | None, dict[str, str]]]:
    """Start PostgreSQL, or use the one in the environment; migrate; give the children's variables.

    Yields:
        The embedded server, or None; and the variables that lead to it.
    """
    with ExitStack() as stack:
        url = os.environ.get("SYNCFLOW_DATABASE_URL")
        server = None
        if not url:
            server = stack.enter_context(EmbeddedPostgres(home))
            url = server.url()
        with open_store(url=url) as database:
            environment = prepare_dagster_home(home, database)
        environment |= {"SYNCFLOW_DATABASE_URL": url, "SYNCFLOW_HOME": str(home)}
        yield server, environment


def _child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    every = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    # Dagster without .pyc files takes four times as long to start.
    every.pop("PYTHONDONTWRITEBYTECODE", None)
    return every


@contextmanager
def _only_supervisor(home: Path) -> Iterator[None]:
    """Refuse a second supervisor of a home: two daemons would start every schedule twice."""
    with (home / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            msg = (
                f"process {file.read().strip()} already runs SyncFlow in {home}: use it, stop it, "
                "or set SYNCFLOW_HOME to another folder"
            )
            raise SupervisorError(msg) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        # As the webserver does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            msg = f"port {port} cannot be used ({error.strerror}): choose another with --port"
            raise SupervisorError(msg) from error
        free: int = probe.getsockname()[1]
        return free


def _answers(port: int) -> bool:
    try:
        url = f"http://{_HOST}:{port}/server_info"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
