"""Modules run as processes of their own, which kill themselves at a crash point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from syncflow_dagster.testing.crash import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Characters of a process's last words.
_LAST_WORDS = 400


def run_module(
    module: str, *arguments: str | Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a module as `python -m` does, until its end.

    Args:
        module: Its name.
        arguments: Arguments of its command line.
        environ: Variables it has beside those of this process.
    """
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def run_killed(
    point: str, module: str, *arguments: str | Path, environ: Mapping[str, str] | None = None
) -> str | None:
    """Run a module that is to kill itself at a crash point; return what is wrong if it did not.

    Args:
        point: The point, and at which passage, as `SYNCFLOW_CRASH_AT` has it.
        module: The module's name.
        arguments: Arguments of its command line.
        environ: Further variables.
    """
    done = run_module(module, *arguments, environ={**(environ or {}), VARIABLE: point})
    if done.returncode == -signal.SIGKILL:
        return None
    words = f"{done.stdout[-_LAST_WORDS:]}{done.stderr[-_LAST_WORDS:]}"
    return f"{point} did not kill it: exit {done.returncode}, {words}"
