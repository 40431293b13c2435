"""Becomes a program that cannot outlive the process that started it.

``python exec_child.py <pid of the starter> <program> <arguments>``. A program of its own, rather
than code between fork and exec: the starter has threads, and a fork of such a process may only
exec. It imports nothing of ours and starts in about 20 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL = 0.5  # seconds
_STOP_WITHIN = 20.0  # seconds


def become(parent: int, command: list[str]) -> int:
    """Replace this process by the program, asking the kernel to end it with its starter.

    Linux only. The request survives exec. It is made for the starter's *thread*: the supervisor
    starts its children from its main thread.

    Returns:
        1 when the starter is gone already; otherwise it does not return.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:  # otherwise it died before the kernel was told
        os.execvp(command[0], command)  # noqa: S606 - our own command
    return 1


def attend(parent: int, command: list[str]) -> int:
    """Run the program and end it with its starter, where the kernel does not do it (macOS).

    Returns:
        The program's exit code.
    """
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.terminate()
            try:
                child.wait(timeout=_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
        time.sleep(_POLL)
    return child.returncode


def main(arguments: list[str]) -> int:
    """Run the command in the arguments."""
    parent, command = int(arguments[0]), arguments[1:]
    # A starter under nohup, or in the background of a shell, ignores SIGINT, and Dagster would
    # then be deaf to SIGTERM too: it copies the one handler to the other.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if os.uname().sysname == "Linux":
        return become(parent, command)
    return attend(parent, command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
