"""Runs Dagster's daemon, and lets it read all definitions anew less often.

The daemon asks the code server for every job again each minute, although it watches the server and
is told at once when that has been reloaded. With many jobs this is most of what an idle instance
costs. Dagster has no setting for it, only a constant; where a later version has none of that name,
its own pace is kept.
"""

from __future__ import annotations

#: Seconds between two readings. The daemon gives up after 300 s without one that succeeds.
READ_EVERY_S = 240
_CONSTANT = "RELOAD_WORKSPACE_INTERVAL"


def read_less_often() -> bool:
    """Set the pace; return whether Dagster goes by it."""
    from dagster._daemon import controller

    known = hasattr(controller, _CONSTANT)
    if known:
        setattr(controller, _CONSTANT, READ_EVERY_S)
    return known


def main() -> None:
    """Run the daemon as `dagster-daemon` does, with the arguments of this process."""
    from dagster._daemon.cli import main as run

    read_less_often()
    run()


if __name__ == "__main__":
    main()
