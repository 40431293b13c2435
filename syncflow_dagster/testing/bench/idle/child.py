"""A supervisor in a process of its own: ``python -m …child <home> <workspace file>``.

It prints the UI's URL once everything answers, and runs until it is told to stop.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from syncflow_dagster import supervisor


def main(home: Path, workspace: Path) -> int:
    """Run the stack; return its exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return supervisor.run(
        port=0,
        home=home,
        extra_environment={},
        workspace=workspace,
        ready=lambda url: print(url, flush=True),
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
