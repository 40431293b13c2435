"""Tests that take too long for every day: properties with many cases, a reference of many rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.testing.faults.results import FaultResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: The tests that tell by this profile how much they are to try.
_TESTS = (
    "tests/core",
    "tests/delta/test_delta_reference.py",
    "--hypothesis-profile=thorough",
)
#: What is proven, and the part of the tests' names that proves it.
PROOFS: Mapping[str, str] = {
    "10,000 cases of each property of normalising, hashing, classifying": "property",
    "100,000 rows as a build in plain Python classifies and hashes them": "reference_of",
}


def proofs(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Run the tests that are part of the matrix.

    Args:
        wanted: Tells by its name whether a proof is to run.
    """
    for name, part in PROOFS.items():
        if wanted(name):
            yield FaultResult(name, error=_run(part))


def _run(part: str) -> str | None:
    """Run tests in a process of their own; return what went wrong."""
    missing = [path for path in _TESTS[:2] if not Path(path).exists()]
    if missing:
        return f"{missing[0]} is not here: run it in a checkout of the project"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_TESTS, "-k", part, "--tb=short"],
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stdout[-800:]
