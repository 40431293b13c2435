"""What retention does for persons: old decisions go, erasures are brought to their end.

A record that was erased here but not at its source comes again with its next change; it is erased
again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.consent.identifiers import Kind
from syncflow_dagster.nodes.compliance.declared import declared
from syncflow_dagster.nodes.compliance.erasure import TooMuch, erase, finish_erasures
from syncflow_dagster.nodes.compliance.holdings import delta_tables, statement
from syncflow_dagster.nodes.compliance.key import privacy_key
from syncflow_dagster.nodes.compliance.lists import Entry, Identifier
from syncflow_dagster.nodes.compliance.log import retain_decisions
from syncflow_dagster.store.sql import load
from syncflow_dagster.workflows.models.policy import Policy
from syncflow_dagster.workflows.policy import load_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow

_ACTOR = "retention"


@dataclass(slots=True)
class ComplianceReport:
    """What retention did for persons, or in a dry run would do.

    Attributes:
        decisions: Decisions that went, by policy.
        skipped: Policy files that have mistakes: nothing of theirs goes.
        erased_again: Records that had come back after their person was erased.
        too_much: Such records that are left, as more than one person has came with them.
        unfinished: Erasures that wait for changes on their way.
    """

    decisions: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    erased_again: int = 0
    too_much: int = 0
    unfinished: int = 0

    def __str__(self) -> str:
        """Return the report in one line."""
        gone = sum(self.decisions.values())
        told = [f"{gone:,} decisions of the consent gate"]
        told += [f"{self.erased_again:,} records erased again"] if self.erased_again else []
        told += [f"{self.too_much:,} left to `syncflow person erase`"] if self.too_much else []
        told += [f"{self.unfinished:,} erasures unfinished"] if self.unfinished else []
        told += [f"{one} has mistakes, its decisions stay" for one in self.skipped]
        return ", ".join(told)


def retain_compliance(
    database: Database,
    clock: Clock,
    loaded: LoadedWorkflow,
    environ: Mapping[str, str],
    *,
    dry_run: bool = False,
) -> ComplianceReport:
    """Do what retention does for persons, for a workflow with tag nodes or LinkedIn steps.

    Args:
        database: A migrated database.
        clock: Its time.
        loaded: The workflow; its tag nodes name the policies.
        environ: Usually `os.environ`.
        dry_run: Only count.

    Raises:
        PrivacyKeyError: Somebody was erased, and there is no usable key to know him by.
    """
    report = ComplianceReport()
    for path in dict.fromkeys(node.policy for node in loaded.workflow.tags):
        policy = load_policy(loaded.path.parent / path, environ)
        if isinstance(policy, Policy):
            gone = retain_decisions(database, clock, policy, dry_run=dry_run)
            report.decisions[policy.policy] = gone
        else:
            report.skipped.append(path)
    first = database.fetch_one(load("suppression")["first_erasure"])
    if first is None or first["at"] is None:
        return report
    now = clock.now()
    key = privacy_key(environ, database, now)
    by = Entry(_ACTOR, "came back from the source after it was erased", now)
    known = declared([loaded.workflow])
    for back in _back(database, key, first["at"]):
        try:
            erase(database, [back], key, by, dry_run=dry_run, declared=known)
        except TooMuch:
            report.too_much += 1
        else:
            report.erased_again += 1
    report.unfinished = 0 if dry_run else finish_erasures(database, key, now)
    return report


def _back(database: Database, key: PrivacyKey, since: datetime) -> list[Identifier]:
    """Return ids of erased records that have rows with values again."""
    with database.transaction() as conn:
        found = conn.execute(load("suppression")["all_erased_ids"]).fetchall()
        erased = {bytes(row["hash"]) for row in found}
        names = dict.fromkeys(_names(conn, since))
    return [
        Identifier(Kind.RECORD, name) for name in names if key.hash(Kind.RECORD, name) in erased
    ]


def _names(conn: psycopg.Connection[DictRow], since: datetime) -> Iterator[str]:
    for table in delta_tables(conn):
        for row in conn.execute(statement("names_since", table), {"since": since}):
            yield row["business_key"]
