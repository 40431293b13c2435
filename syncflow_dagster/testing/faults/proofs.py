"""Tests that take too long for every day: properties with many cases, a reference of many rows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Proof:
    """Tests that prove something.

    Attributes:
        number: The kind of fault they are about.
        names: Parts of their names, as `pytest -k` takes them.
    """

    number: str
    names: str


#: What is proven, and by which tests.
PROOFS: Mapping[str, Proof] = {
    "10,000 cases of each property of normalising": Proof("F25", "normalise and property"),
    "10,000 cases of each property of hashes and keys": Proof("F26", "identity and property"),
    "10,000 cases of each property of classifying": Proof(
        "F26", "property and not normalise and not identity and not timing"
    ),
    "10,000 cases of each property of due times, and ten years of six zones by the minute": Proof(
        "F21", "timing"
    ),
    "100,000 rows as a build in plain Python classifies and hashes them": Proof(
        "F26", "reference_of"
    ),
}


def proofs(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Run the tests that are part of the matrix.

    Args:
        wanted: Tells by its name whether a proof is to run.
    """
    for name, proof in PROOFS.items():
        if wanted(name):
            yield FaultResult(name, proof.number, error=_run(proof.names))


def _run(names: str) -> str | None:
    """Run tests in a process of their own; return what went wrong."""
    missing = [path for path in _TESTS[:2] if not Path(path).exists()]
    if missing:
        return f"{missing[0]} is not here: run it in a checkout of the project"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_TESTS, "-k", names, "--tb=short"],
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stdout[-800:]
