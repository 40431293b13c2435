"""The log of the gate's decisions: only added to, each row bound to the one before it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.core.consent.verdict import Verdict
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.policy import Policy

    Connection = psycopg.Connection[DictRow]

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision to be kept.

    Attributes:
        subject: Keyed hash of the record's id.
        purpose: Purpose in the policy.
        effect: Keyed hash of the key of the effect it was about.
        verdict: What was decided.
    """

    subject: bytes
    purpose: str
    effect: bytes
    verdict: Verdict


class DecisionLog:
    """The decisions of one policy.

    Args:
        database: A migrated database.
        policy: The policy they are made under.
        object_name: Object whose records they are about.
        key: Binds each decision to the one before it.
        run_id: The run they are made in.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        object_name: str,
        key: PrivacyKey,
        run_id: str | None = None,
    ) -> None:
        self._database = database
        self._key = key
        self._under = {
            "policy": policy.policy,
            "policy_version": policy.version,
            "policy_hash": policy.hash,
            "object": object_name,
            "run_id": run_id,
        }
        self._statements = load("consent")

    def add(self, decided: Sequence[Decided], now: datetime) -> None:
        """Keep decisions, all or none.

        Args:
            decided: What was decided.
            now: When, database time.
        """
        now = now.astimezone(UTC)
        with self._database.transaction() as conn:
            conn.execute(self._statements["take_turn"], self._under)
            newest = conn.execute(self._statements["newest_hash"], self._under).fetchone()
            previous = None if newest is None else bytes(newest["hash"]).hex()
            rows = []
            for place, one in enumerate(decided):
                row = _row(one, previous)
                previous = _digest(self._key, {**self._under, **row, "decided_at": now})
                rows.append({**row, "hash": previous, "place": place})
            conn.execute(self._statements["add"], {**self._under, "rows": Jsonb(rows), "now": now})


def policies(database: Database) -> list[str]:
    """Return the names of all policies that decisions were made under."""
    return [row["policy"] for row in database.fetch_all(load("consent")["policies"])]


def broken_link(database: Database, policy: str, key: PrivacyKey) -> int | None:
    """Check that no decision of a policy was altered, taken out or put in.

    Args:
        database: A migrated database.
        policy: Name of the policy.
        key: The key they were made with.

    Returns:
        Id of the first decision that does not fit the one before it; None if all do. The oldest
        are believed, as retention deletes from that end; so are missing ones at the newest end.
    """
    previous: str | None = None
    for row in _chain(database, policy):
        plain = _plain(row)
        if previous is not None and plain["previous"] != previous:
            return int(row["decision_id"])
        previous = bytes(row["hash"]).hex()
        if _digest(key, plain) != previous:
            return int(row["decision_id"])
    return None


def retain_decisions(
    database: Database, clock: Clock, policy: Policy, *, dry_run: bool = False
) -> int:
    """Delete decisions that a policy no longer keeps, in small batches.

    Args:
        database: A migrated database.
        clock: Its time.
        policy: The policy; `decision_days` of it count.
        dry_run: Only count.

    Returns:
        How many went, or would go.
    """
    before = clock.now() - timedelta(days=policy.decision_days)
    wanted = {"policy": policy.policy, "before": before, "limit": None if dry_run else _BATCH}
    statements = load("consent")
    if dry_run:
        return len(database.fetch_all(statements["old"], wanted))

    def batch() -> int:
        with database.transaction() as conn:
            conn.execute(statements["allow_retention"])
            ids = [row["decision_id"] for row in conn.execute(statements["old"], wanted)]
            return conn.execute(statements["forget"], {"ids": ids}).rowcount

    gone = 0
    while number := retry_transient(batch, clock):
        gone += number
    return gone


def _chain(database: Database, policy: str) -> Iterator[DictRow]:
    after = 0
    while rows := database.fetch_all(
        load("consent")["chain"], {"policy": policy, "after": after, "limit": _BATCH}
    ):
        yield from rows
        after = rows[-1]["decision_id"]


def _row(one: Decided, previous: str | None) -> dict[str, Any]:
    return {
        "subject": one.subject.hex(),
        "purpose": one.purpose,
        "effect": one.effect.hex(),
        "decision": str(one.verdict.decision),
        "reasons": list(one.verdict.reasons),
        "evidence": {name: dict(each) for name, each in one.verdict.evidence.items()},
        "previous": previous,
    }


def _plain(row: DictRow) -> dict[str, Any]:
    """Return a row of the table as it was when its hash was made."""
    kept = ("policy", "policy_version", "policy_hash", "object", "run_id", "purpose")
    plain = {name: row[name] for name in (*kept, "decision", "reasons", "evidence")}
    plain["effect"] = bytes(row["effect_hash"]).hex()
    plain["subject"] = bytes(row["subject_hash"]).hex()
    plain["previous"] = None if row["previous"] is None else bytes(row["previous"]).hex()
    plain["decided_at"] = row["decided_at"].astimezone(UTC)
    return plain


def _digest(key: PrivacyKey, row: Mapping[str, Any]) -> str:
    text = json.dumps(row, sort_keys=True, default=datetime.isoformat)
    return key.seal("decision", text).hex()
