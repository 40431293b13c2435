"""One child process of the supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from syncflow_dagster.supervisor import exec_child

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LOG = logging.getLogger(__name__)

_STOP_WITHIN = 20.0  # seconds between SIGTERM and SIGKILL
_FIRST_WAIT = 1.0  # seconds before a child that exited is started again, doubled each time
_LONGEST_WAIT = 30.0
_STEADY = 60.0  # seconds of life after which the next exit counts as the first


@dataclass(frozen=True)
class Service:
    """A child process to run beside the others.

    Attributes:
        name: Its name in messages.
        argv: The program and its arguments.
        env: Variables beside the ones all children get.
        ready: Says whether it can be used; None when it can as soon as it runs.
        ready_within: Seconds it may take to become ready.
        remove_first: A file a former life may have left, such as its socket.
        rss_limit: Bytes of memory above which it is started again, or None.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within: float = 120.0
    remove_first: Path | None = None
    rss_limit: int | None = None


class Child:
    """A service's process.

    It leads a process group of its own, so that Ctrl-C reaches the supervisor alone and the order
    of the stop is kept, and so that what it started can be ended with it.

    Args:
        service: What to run.
        environment: Variables all children get.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        service: Service,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self._environment = {**environment, **service.env}
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at: float | None = None
        self._wait = _FIRST_WAIT

    @property
    def pid(self) -> int | None:
        """Its process id, or None while it does not run."""
        return self._process.pid if self._process is not None and self.runs() else None

    def start(self) -> None:
        """Start it."""
        if self.service.remove_first is not None:
            self.service.remove_first.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            # -I -S: no site-packages, no user settings; exec passes the environment on untouched.
            [sys.executable, "-I", "-S", exec_child.__file__, str(os.getpid()), *self.service.argv],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        self._started_at = self._clock()
        self._start_again_at = None

    def runs(self) -> bool:
        """Say whether it runs."""
        return self._process is not None and self._process.poll() is None

    def keep_up(self) -> None:
        """Start it again when it has exited, after a wait that grows with each quick exit."""
        if self.runs():
            self._restart_when_large()
            return
        now = self._clock()
        if self._start_again_at is None:
            self.end_group()
            if now - self._started_at >= _STEADY:
                self._wait = _FIRST_WAIT
            code = self._process.returncode if self._process is not None else None
            _LOG.warning(
                "%s exited (%s); it is started again in %g s", self.service.name, code, self._wait
            )
            self._start_again_at = now + self._wait
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
        elif now >= self._start_again_at:
            self.start()

    def stop(self) -> None:
        """End it and all it started: SIGTERM, 20 s, SIGKILL."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                _LOG.warning("%s does not stop and is killed", self.service.name)
        self.end_group()
        process.wait()

    def end_group(self) -> None:
        """Kill what is left of its process group."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # macOS: only dead ones are left
                return

    def _restart_when_large(self) -> None:
        limit = self.service.rss_limit
        if limit is None or self._process is None:
            return
        try:
            size = psutil.Process(self._process.pid).memory_info().rss
        except psutil.NoSuchProcess:
            return
        if size > limit:
            _LOG.warning(
                "%s uses %d MB, more than %d MB, and is started again",
                self.service.name,
                size >> 20,
                limit >> 20,
            )
            self.stop()
            self.start()
