"""Running the matrix and writing its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.testing.faults.adoption import adoption_cases, killed_adoptions
from syncflow_dagster.testing.faults.board_cases import board_cases
from syncflow_dagster.testing.faults.board_run import board_faults
from syncflow_dagster.testing.faults.cases import cases
from syncflow_dagster.testing.faults.daemon import daemon_cases, killed_daemons
from syncflow_dagster.testing.faults.deltas import delta_cases, killed_deltas
from syncflow_dagster.testing.faults.due import due_cases, killed_searches
from syncflow_dagster.testing.faults.identity import identity_cases, killed_identities
from syncflow_dagster.testing.faults.jobs import job_faults
from syncflow_dagster.testing.faults.jobs_cases import jobs_cases
from syncflow_dagster.testing.faults.load_cases import load_cases
from syncflow_dagster.testing.faults.loads import loads
from syncflow_dagster.testing.faults.outreach import outreach_cases, simulated_outreach
from syncflow_dagster.testing.faults.proofs import PROOFS, proofs
from syncflow_dagster.testing.faults.results import FaultOutcome, FaultResult
from syncflow_dagster.testing.faults.retention import killed_retention, retention_cases
from syncflow_dagster.testing.faults.salesforce_pull import disturbed_pulls, pull_cases
from syncflow_dagster.testing.faults.sources import SOURCES, cut_sources
from syncflow_dagster.testing.faults.tables import write_tables
from syncflow_dagster.testing.faults.tags import disturbed_tags, tag_cases
from syncflow_dagster.testing.faults.triggers import killed_triggers, trigger_cases
from syncflow_dagster.testing.faults.turns import fair_turns, turn_cases
from syncflow_dagster.testing.faults.whole import whole_faults
from syncflow_dagster.testing.faults.windows import nights, window_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    #: Tells by its name whether a row is to be run.
    Wanted = Callable[[str], bool]

#: Characters of a name in the lines told while the matrix runs.
_NAME_WIDTH = 68


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the matrix.

    Attributes:
        names: The names of its rows.
        run: Runs those that are wanted.
    """

    names: Iterable[str]
    run: Callable[[Wanted], Iterator[FaultResult]]


def parts() -> list[Part]:
    """Return the parts of the matrix, in the order of running."""
    return [
        Part([case.name for case in cases()], whole_faults),
        Part([case.name for case in board_cases()], board_faults),
        Part(window_cases(), nights),
        Part([case.name for case in jobs_cases()], job_faults),
        Part([load.name for load in load_cases()], loads),
        Part(SOURCES, cut_sources),
        Part(pull_cases(), disturbed_pulls),
        Part(delta_cases(), killed_deltas),
        Part(retention_cases(), killed_retention),
        Part(trigger_cases(), killed_triggers),
        Part(daemon_cases(), killed_daemons),
        Part(turn_cases(), fair_turns),
        Part(due_cases(), killed_searches),
        Part(adoption_cases(), killed_adoptions),
        Part(identity_cases(), killed_identities),
        Part(tag_cases(), disturbed_tags),
        Part(outreach_cases(), simulated_outreach),
        Part(PROOFS, proofs),
    ]


def row_names() -> list[str]:
    """Return the names of all rows of the matrix."""
    return [name for part in parts() for name in part.names]


def run_faults(
    target: Path,
    *,
    only: Sequence[str] = (),
    resume: bool = False,
    say: Callable[[str], None],
    root: Path | None = None,
) -> FaultOutcome:
    """Run the matrix, or the part of it whose names contain one of `only`.

    Args:
        target: File the table is written to, as JSON.
        resume: Take over the rows of `target` that passed, of a matrix that was cut off.
        only: Parts of names; none runs everything, and writes the tables of the pages too.
        say: Told each result.
        root: Where the project's pages are; the present folder if left out.
    """
    outcome = _begun(target) if resume else FaultOutcome()
    there = {one.fault for one in outcome.results}

    def wanted(name: str) -> bool:
        return name not in there and (not only or any(part in name for part in only))

    for part in parts():
        for result in part.run(wanted):
            outcome.results.append(result)
            say(result.line(_NAME_WIDTH) + (f"  {result.trouble}" if result.trouble else ""))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    if not only:
        order = {name: place for place, name in enumerate(row_names())}
        outcome.results.sort(key=lambda one: order[one.fault])
        for page in write_tables(outcome.results, root or Path.cwd()):
            say(f"wrote the table of {page}")
    return outcome


def _begun(target: Path) -> FaultOutcome:
    """Return what a matrix that was cut off has come to; what failed is run again."""
    rows = json.loads(target.read_text()) if target.exists() else []
    names = set(row_names())
    results = [FaultResult(**row) for row in rows if row["fault"] in names]
    return FaultOutcome([one for one in results if one.passed])
