"""The real stack of one folder of workflows, and the processor time its processes take."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from syncflow_dagster.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 90.0
_POLL_S = 0.1
#: Words of a process's command line that tell what it is.
_KINDS = {
    "supervisor.daemon": "daemon",
    "dagster_webserver": "webserver",
    "code-server": "code_server",
    "api grpc": "code_server",
    "postgres": "postgresql",
    "guardian": "postgresql",
}
_SETTINGS = ("SYNCFLOW_", "DAGSTER_")


class StackFailedError(RuntimeError):
    """A stack did not start, or did not do its work; the text ends with its log."""


@dataclass(frozen=True)
class Stack:
    """A running stack.

    Attributes:
        home: Its home folder.
        process: Its supervisor.
        log: What its processes say.
    """

    home: Path
    process: psutil.Process
    log: Path

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time taken so far, by kind of process, in seconds.

        Time of processes that have ended is counted with the one that started them.
        """
        spent: dict[str, float] = defaultdict(float)
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                kind, times = _kind(process), process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent[kind] += times.user + times.system + times.children_user + times.children_system
        return spent

    @contextmanager
    def database_url(self) -> Iterator[str]:
        """Attach to the stack's server and give the URL of its database."""
        with EmbeddedPostgres(self.home) as server:
            yield server.url()


@contextmanager
def running(folder: Path, variables: Mapping[str, str]) -> Iterator[Stack]:
    """Run a stack until the block ends.

    Args:
        folder: For its home, its workspace file and its log; its workflows are in `workflows`.
        variables: Environment variables beside those of this process.

    Raises:
        StackFailedError: It did not become ready.
    """
    home, log, workspace = folder / "home", folder / "log", folder / "workspace.yaml"
    workspace.write_text("load_from: [{python_module: syncflow_dagster.definitions}]\n")
    own = {key: value for key, value in os.environ.items() if not key.startswith(_SETTINGS)}
    environment = {**own, **variables, "SYNCFLOW_WORKFLOWS": str(folder / "workflows")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.child", str(home), str(workspace)],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        _await(process, log)
        yield Stack(home, psutil.Process(process.pid), log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while "http://" not in (said := log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            msg = f"the stack did not become ready; it said:\n{said[-3_000:]}"
            raise StackFailedError(msg)
        time.sleep(_POLL_S)


def _kind(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((kind for words, kind in _KINDS.items() if words in command), "supervisor")
